"""A ratio is to the fastest of PyTorch's rows, and only of what was quiet."""

import pytest

from experiments.workshop.benchmark.results import compare, summarize_runs


def row(what, *speeds, left=1.0):
    return {"what": what, "images_per_second": speeds, "left": [left, 1.0, 1.0]}


OURS, EAGER = row("ours", 300, 330, 270), row("PyTorch", 150, 165, 150)
OTHERS = [
    row("PyTorch channels last", 200, 150, 180),
    {"what": "PyTorch compiled", "cannot": "There is no compiler."},
]
TO_LAST = {"to": "PyTorch channels last", "median": 1.5, "least": 1.5, "most": 2.2}


@pytest.mark.parametrize(
    ("rows", "ratio"),
    [
        ([OURS, EAGER, *OTHERS], TO_LAST),
        ([OURS, EAGER, row("PyTorch compiled", 1, 1, 1, left=0.89)], None),  # it might be faster
        ([row("ours", 300, 330, 270, left=0.5), EAGER], None),
        ([OURS], None),
    ],
)
def test_the_ratio(rows, ratio):
    assert compare(rows) == ratio


def test_runs_that_were_disturbed_count_for_accuracies_alone():
    figures = [(30.0, 1.0, 0.991, 0.98), (32.0, 1.0, 0.992, 0.98), (90.0, 0.3, 0.993, 0.98)]
    names = ("training_seconds", "left", "digit_accuracy", "sum_accuracy")
    runs = [dict(zip(names, of_run, strict=True)) for of_run in figures]
    assert summarize_runs(runs) == ("31.0 ± 1.4 s", "99.20 ± 0.10 and 98.00 ± 0.00 %")
    assert summarize_runs(runs[2:]) == ("disturbed", "99.30 and 98.00 %")
