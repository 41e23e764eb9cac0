"""The benchmark measures what it says, in the form it promises; how fast is not a test."""

import json

import pytest

from experiments.configs import Config
from experiments.workshop import bench
from experiments.workshop.bench import BenchOptions, main, run
from experiments.workshop.benchmark import turn
from tests.tiny import EXAMPLES, RECIPE

CONFIG = Config(RECIPE, dataset="sample", train_examples=EXAMPLES)


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """Compile for one device, which takes less time than for eight."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")


def record_of(tmp_path, **options):
    """Run the bench on a few images; returns what it has recorded."""
    run(BenchOptions(name="tiny", config=CONFIG, output=tmp_path / "record.json", **options))
    return json.loads((tmp_path / "record.json").read_text())


@pytest.mark.parity
def test_both_sides_are_measured(capsys, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(bench, "own_cores", lambda: [0])
    monkeypatch.setattr(turn, "QUIET", 0)  # no turn is repeated
    monkeypatch.setitem(bench.WAYS, "cpu", ("", "compiled"))
    record = record_of(tmp_path, rounds=1, seconds=0.01)
    assert record["fields"]["batch_size"] == 16
    (group,) = record["groups"]
    assert (group["on"], group["cores"]) == ("1 core", [0])
    assert group["evaluation"]["evaluated_images_per_second"] > 0
    *measured, lacking = group["rows"]
    assert [row["what"] for row in group["rows"]] == ["ours", "PyTorch", "PyTorch compiled"]
    assert lacking["cannot"] == "It needs a C++ compiler, and there is no no-such-compiler."
    assert measured[1]["facts"]["threads"] == 1
    assert all(row["images_per_second"][0] > 0 for row in measured)
    assert measured[0]["facts"]["compile_seconds"] > 0
    assert "1 core  ours, JAX " in capsys.readouterr().out


@pytest.mark.parity
def test_seeds_are_trained_to_the_end(capsys, tmp_path):
    runs = record_of(tmp_path, time_to_accuracy=2)["runs"]
    assert [figures["seed"] for figures in runs] == [1, 2]
    assert all(figures["training_seconds"] > 0 for figures in runs)
    assert all(0 < figures["digit_accuracy"] < 1 for figures in runs)
    assert "All seeds: " in capsys.readouterr().out


def test_what_is_missing_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    assert main(["--config", "sample"]) == 2
    install = "install the extra 'parity', or use --no-torch"
    assert capsys.readouterr().err == f"error: PyTorch is not installed: {install}.\n"
    assert main(["--config", "sample", "--no-torch", "--device", "gpu"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: --device gpu needs a GPU that JAX can use")
    assert printed.count("\n") == 1
