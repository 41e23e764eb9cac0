"""The benchmark measures what it says; a ratio is of what was quiet. How fast is not a test."""

import json

import jax
import pytest

from experiments.configs import Config
from experiments.workshop import bench
from experiments.workshop.bench import BenchOptions, main, run
from experiments.workshop.benchmark import turn
from experiments.workshop.benchmark.results import add_ratios, summarize_runs
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
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(bench, "COMPILER", "no-such-compiler")
    monkeypatch.setattr(bench, "own_cores", lambda: [0])
    monkeypatch.setattr(turn, "QUIET", 0)  # no turn is repeated
    monkeypatch.setitem(bench.WAYS, "cpu", ("", "compiled"))
    record = record_of(tmp_path, rounds=1, seconds=0.01)
    assert record["fields"]["batch_size"] == 16
    ours, theirs, evaluation = record["rows"]
    assert all((row["on"], row["cores"]) == ("1 core", [0]) for row in record["rows"])
    assert ours["by"] == f"ours, JAX {jax.__version__}"
    assert theirs["by"] == f"PyTorch, {torch.__version__}"
    assert evaluation["by"] == "evaluation by ours"
    assert theirs["facts"]["threads"] == 1
    assert all(row["images_per_second"][0] > 0 for row in (ours, theirs, evaluation))
    assert ours["facts"]["compile_seconds"] > 0
    out = capsys.readouterr().out
    assert "1 core  ours, JAX " in out
    assert "PyTorch compiled is left out: it needs a C++ compiler, and there is no no-such" in out


@pytest.mark.parity
def test_seeds_are_trained_to_the_end(capsys, tmp_path):
    (row,) = record_of(tmp_path, time_to_accuracy=2)["rows"]
    runs = row["runs"]
    assert [figures["seed"] for figures in runs] == [1, 2]
    assert all(figures["seconds"] > 0 for figures in runs)
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


@pytest.mark.parity
@pytest.mark.parametrize(("way", "is_last"), [("", False), ("channels last", True)])
def test_a_way_of_pytorch_has_its_layout(way, is_last):
    torch = pytest.importorskip("torch")
    pytorch = pytest.importorskip("experiments.workshop.benchmark.pytorch")
    outputs, model = [], pytorch.reference.TorchMnistSum()
    pytorch.change(model, way)
    second = model.mnist_mode.convblock2[0]
    second.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))
    assert outputs[0].is_contiguous(memory_format=torch.channels_last) == is_last


def row(by, *speeds, left=1.0):
    return {"by": by, "images_per_second": speeds, "left": [left, 1.0, 1.0]}


OURS, EAGER = row("ours", 300, 330, 270), row("PyTorch", 150, 165, 150)
LAST = row("PyTorch channels last", 200, 150, 180)


@pytest.mark.parametrize(
    ("rows", "ratios"),
    [
        ([OURS, EAGER, LAST], {"PyTorch channels last": [1.5, 2.2, 1.5]}),
        ([OURS, EAGER, row("PyTorch compiled", 1, 1, 1, left=0.89)], {}),  # it might be faster
        ([row("ours", 300, 330, 270, left=0.5), EAGER], {}),
        ([OURS], {}),
    ],
)
def test_the_ratios(rows, ratios):
    rows = [*map(dict, rows)]
    add_ratios(rows)
    assert {row["by"]: row["ratios"] for row in rows if "ratios" in row} == ratios


def test_runs_that_were_disturbed_count_for_accuracies_alone():
    figures = [(30.0, 1.0, 0.991, 0.98), (32.0, 1.0, 0.992, 0.98), (90.0, 0.3, 0.993, 0.98)]
    names = ("seconds", "left", "digit_accuracy", "sum_accuracy")
    runs = [dict(zip(names, of_run, strict=True)) for of_run in figures]
    assert summarize_runs(runs) == ("31.0 ± 1.4 s", "99.20 ± 0.10 and 98.00 ± 0.00 %")
    assert summarize_runs(runs[2:]) == ("disturbed", "99.30 and 98.00 %")
