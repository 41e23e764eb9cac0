"""The figures of speeds and kernels in the texts, by literal values."""

import json

import pytest

from experiments.workshop.documents.speeds import kernels, ratios, speeds
from experiments.workshop.figures import ROOT
from experiments.workshop.gpu.target import Launches
from tests.tables import cells_of
from tests.test_results import BFLOAT16, EAGER, LACKING, OURS, group


@pytest.fixture
def bench(tmp_path):
    """Record a bench of speeds, and one of whole runs."""
    rows = [
        OURS | {"facts": {"jax": "1.2", "compile_seconds": 9.87}},
        EAGER | {"facts": {"torch": "3.4"}},
        BFLOAT16 | {"facts": {"torch": "3.4"}, "left": [0.5, 1.0, 1.0]},
        LACKING,
    ]
    groups = [
        group(*rows) | {"steps": 40, "evaluation": {"evaluated_images_per_second": 12345.6}},
        group(OURS, LACKING, BFLOAT16, EAGER) | {"on": "4 cores"},
    ]
    groups.reverse()
    common = {"config": "base", "fields": {"batch_size": 128}, "device": "a processor"}
    runs = [{"training_seconds": 30.0, "left": 1.0, "digit_accuracy": 0.99, "sum_accuracy": 0.98}]
    (tmp_path / "bench").mkdir()
    for name, rest in (("a", {"groups": groups}), ("b", {"runs": runs})):
        (tmp_path / "bench" / f"{name}.json").write_text(json.dumps(common | rest))
    return tmp_path


def test_speeds_have_a_row_for_each_way(bench):
    text = speeds(bench)
    title, table, rest = text.split("\n\n")
    assert title == (
        "Batches of 128 of `base`, a processor, JAX 1.2, PyTorch 3.4 ([record]"
        "(../experiments/results/bench/a.json)); images a second, median (least to most) of 3 "
        "rounds of 40 steps a call:"
    )
    assert "4 cores | 2 cores" in " ".join(table.split())
    assert cells_of(table, "ours ") == ["300 (270 to 330)", "300 (270 to 330)"]
    disturbed = "400 (400 to 400), disturbed"
    assert cells_of(table, "PyTorch bfloat16") == ["400 (400 to 400)", disturbed]
    assert cells_of(table, "PyTorch compiled") == ["not measured", "not measured"]
    assert cells_of(table, "**ours to the fastest") == ["**2.00** (1.80 to 2.00)"] * 2
    assert rest == (
        "On 2 cores, compiling a training step takes 9.9 s, and evaluation reads 12,346 images a "
        "second, each with all ten numbers."
    )


def test_a_disturbed_bench_has_no_ratio(bench):
    path = bench / "bench" / "a.json"
    record = json.loads(path.read_text())
    record["groups"][0]["rows"][0]["left"] = [0.5, 1.0, 1.0]
    path.write_text(json.dumps(record))
    assert cells_of(speeds(bench), "**ours to the fastest")[0] == "not known"


def test_ratios_stand_beside_the_speeds_and_whole_runs_are_sentences(bench):
    path = bench / "bench" / "a.json"
    record = json.loads(path.read_text())
    record["groups"][1]["rows"][0]["left"] = [0.5, 1.0, 1.0]
    path.write_text(json.dumps(record))
    first, second = ratios(bench).split("\n\n", 1)
    head = cells_of(first, "`base`, a processor ([record](experiments/results/bench/a.json))")
    assert head == ["ours, images a second", "PyTorch", "ours to PyTorch, round by round"]
    assert cells_of(first, "4 cores")[1:] == ["150 (150 to 165)", "**2.00** (1.80 to 2.00)"]
    assert cells_of(first, "2 cores") == ["300 (270 to 330), disturbed", "not known", "not known"]
    assert second.startswith("`base`, a processor ([record](experiments/results/bench/b.json)):")
    assert "- 30.0 s from the first step to the last" in second


def test_kernels_are_the_limits_of_the_programs(monkeypatch):
    limits = {"step": (None, Launches(7, 2, 1)), "rest": (None, Launches(8, 1, 0))}
    monkeypatch.setattr("experiments.workshop.documents.speeds.PROGRAMS", limits)
    table = kernels(ROOT)
    assert cells_of(table, "step") == ["7", "2", "1"]
    assert cells_of(table, "rest") == ["8", "1", "0"]
