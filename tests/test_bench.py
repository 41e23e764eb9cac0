"""The benchmark: it measures what it says, in the form it promises; how fast is not a test."""

import dataclasses
import json

import numpy as np
import pytest

from experiments.configs import CONFIGS, Config, fields_of, named_config
from experiments.workshop import bench
from experiments.workshop.bench import BenchOptions, differences, main, run
from experiments.workshop.benchmark import measure, ours
from experiments.workshop.benchmark.images import repeat
from mnist_sum.data import load
from tests.tiny import EXAMPLES, RECIPE

CONFIG = Config(RECIPE, dataset="sample", epochs=2)
QUICK = {"config": CONFIG, "rounds": 1, "steps": 2, "seconds": 0.01, "json": True}


@pytest.fixture(autouse=True)
def few_images_on_all_cores(monkeypatch):
    """Measure on little, and prepare processes once."""
    monkeypatch.setattr(bench, "EXAMPLES", EXAMPLES)
    monkeypatch.setattr(measure, "own_cores", lambda: [0])


def figures_of(options, capsys):
    run("sample", options)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_data_set_is_repeated():
    train, _ = load("sample")
    repeated = repeat(train, 4100)
    assert len(repeated.image) == 4100
    np.testing.assert_array_equal(repeated.digit[4000:], train.digit[:100])


@pytest.mark.parity
def test_the_figures_are_one_object_on_the_last_line_and_in_the_file(capsys, tmp_path):
    file = tmp_path / "new" / "figures.json"
    figures = figures_of(BenchOptions(**QUICK, torch=False, output=file), capsys)
    (group,) = figures["groups"]
    (row,) = group["rows"]
    assert row["images_per_second"][0] > 0
    assert row["facts"]["compile_seconds"] > 0
    assert group["evaluation"]["evaluated_images_per_second"] > 0
    assert group["ratio"] is None
    assert json.loads(file.read_text()) == figures


@pytest.mark.parity
def test_both_sides_are_measured(capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("CXX", "no-such-compiler")
    (group,) = figures_of(BenchOptions(**QUICK), capsys)["groups"]
    ours_row, eager, channels_last, *_ = group["rows"]
    assert ours_row["what"] == "ours"
    assert (eager["what"], channels_last["what"]) == ("PyTorch", "PyTorch channels last")
    assert eager["facts"]["threads"] == 1
    assert min(eager["images_per_second"]) > 0
    (lacking,) = [row for row in group["rows"] if row["what"] == "PyTorch compiled"]
    assert lacking["cannot"].endswith("needs a C++ compiler, and there is no no-such-compiler")


@pytest.mark.parity
def test_runs_to_the_end_say_their_time_and_accuracy(capsys):
    options = BenchOptions(**QUICK, time_to_accuracy=2)
    runs = figures_of(options, capsys)["runs"]
    assert [figures["seed"] for figures in runs] == [1, 2]
    for figures in runs:
        assert figures["training_seconds"] > 0
        assert 0 < figures["digit_accuracy"] < 1


@pytest.mark.parity
def test_several_seeds_are_trained_in_one_program():
    job = {"config": fields_of(CONFIG), "folders": [None, None], "device": "cpu"}
    _, tasks = ours.prepare(job | {"examples": EXAMPLES})
    for way in ("map", "vmap"):
        assert tasks["seeds"](seeds=2, way=way)["training_seconds"] > 0


def test_work_that_pytorch_does_not_do_is_named():
    assert differences(named_config("base").recipe) == ""
    assert differences(named_config("fresh_numbers").recipe).startswith("shift 1.0, rotation 4.0")
    assert differences(named_config("fast").recipe).startswith("numbers all, shift 1.0")
    assert "adder exact" in differences(named_config("exact_adder").recipe)
    fields = {field.name for field in dataclasses.fields(CONFIGS["base"]().recipe)}
    assert fields.issuperset(bench.WORK)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--rounds 0 --steps 2", "--rounds is 0 and must be at least 1."),
        ("--steps 0", "--steps is 0 and must be 1 .. 3,"),
        ("--steps 4", "--steps is 4 and must be 1 .. 3,"),
        ("--seconds 0", "--seconds is 0.0 and must be positive and finite."),
        ("--time-to-accuracy -1", "--time-to-accuracy is -1 and must be a number of seeds."),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(line, message, capsys):
    assert main(["--config", "sample", "--batch-size", "16", *line.split()]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_what_a_process_cannot_prepare_is_one_sentence_too(capsys):
    arguments = ["--config", "sample", "--batch-size", "47", "--no-torch", "--device", "cpu"]
    assert main(arguments) == 2  # 48 images: the last batch would be of one
    assert "which leaves a last batch of one image" in capsys.readouterr().err
