"""Pictures of a run: drawn from few epochs and many, from no mistake and hundreds."""

import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from experiments.report import original
from experiments.report.confusion import draw_confusion
from experiments.report.curves import (
    Curve,
    draw_curves,
    round_values,
    spread,
    write_accuracy,
)
from tests.commands import ROOT
from tests.pictures import make_records, size_of_png


@pytest.mark.parametrize(
    ("epochs", "error"), [(1, 0.01), (2, 0.45), (25, 0.002), (60, 0.0)], ids=str
)
def test_curves_can_be_drawn_from_any_number_of_epochs_and_any_accuracy(tmp_path, epochs, error):
    draw_curves(make_records(epochs, error), tmp_path / "curves.png", original.records())
    assert size_of_png(tmp_path / "curves.png") == (1280, 992)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]  # and nothing half-written


def test_what_a_user_has_set_for_other_pictures_changes_nothing(tmp_path):
    draw_curves(make_records(2, 0.1), tmp_path / "plain.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 30}):
        draw_curves(make_records(2, 0.1), tmp_path / "set.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "set.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_the_backend_of_a_notebook_does_not_matter():
    draw = "import experiments.report.graph, matplotlib; print(matplotlib.rcParams['backend'])"
    finished = subprocess.run(
        [sys.executable, "-c", draw],
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "of-another-environment"},
        cwd=ROOT,
    )
    assert (finished.stdout, finished.stderr) == ("agg\n", "")


def test_axis_spans_the_tests_and_the_end_of_the_training():
    training = Curve("", [0.4, 0.03], "k", is_test=False)
    test = Curve("", [0.012, 0.006], "k", is_test=True)
    assert round_values([training, test]) == pytest.approx([0.005, 0.01, 0.02, 0.05])
    at_one_value = Curve("", [0.01, 0.01], "k", is_test=True)
    assert round_values([at_one_value]) == pytest.approx([0.005, 0.01])


def test_errors_are_written_as_accuracies():
    assert [write_accuracy(error) for error in (0.5, 0.005, 1e-4)] == ["50", "99.5", "≥ 99.99"]


def test_labels_move_apart_no_further_than_they_must():
    assert spread([0.5, 0.1, 0.5], 0.2) == pytest.approx([0.4, 0.1, 0.6])
    assert spread([0.3, 0.7], 0.1) == pytest.approx([0.3, 0.7])
    assert np.diff(np.sort(spread([0.0, 0.01, 0.05, 0.9], 0.08))).min() >= 0.08 - 1e-9


@pytest.mark.parametrize("mistakes", [0, 3000])
@pytest.mark.parametrize(("output", "labels"), [("digit", 10), ("sum", 19)])
def test_confusions_can_be_drawn(tmp_path, output, labels, mistakes):
    counts = np.diag(np.arange(labels) * 500)  # label 0 never occurs
    counts[1, 2] = mistakes
    draw_confusion(counts, output, tmp_path / "confusion.png")
    assert size_of_png(tmp_path / "confusion.png")[0] == 1280
