"""The command: a whole run, short as it is, and one sentence for everything that cannot be run."""

import json
import logging
import sys
from unittest.mock import MagicMock

import jax
import numpy as np
import pytest

from experiments import run
from experiments.configs import sample, smoke
from experiments.run import main
from experiments.system import workdir
from mnist_sum.data import load
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from tests.commands import result, run_python, succeed

LOSSES_AND_ACCURACIES = {"digit_loss", "sum_loss", "digit_accuracy", "sum_accuracy"}


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """Train a little, once for this module; returns its folder and what it has printed."""
    folder = tmp_path_factory.mktemp("short") / "run"
    own = ("--workdir", folder, "--profile", folder.with_name("profile"))
    return folder, succeed("--config", "smoke", *own)


def test_it_says_what_it_runs_on_and_two_lines_an_epoch(short_run):
    folder, output = short_run
    device, data, model, results, *lines = output.splitlines()
    assert device.startswith("Device:  2 x cpu, ")
    assert device.endswith(f" (no GPU found); JAX {jax.__version__}")
    assert data == "Data:    sample, 500 training and 1,000 test images"
    assert model == "Model:   21,843 parameters"
    assert results == f"Results: {folder}"
    assert sum("  train  " in line for line in lines) == smoke().epochs
    assert sum("  test   " in line for line in lines) == smoke().epochs
    assert max(len(line) for line in lines if str(folder.parent) not in line) <= 80


def test_the_work_folder_is_complete_and_holds_nothing_else_that_a_run_may_replace(short_run):
    folder, output = short_run
    assert workdir.read_config(folder) == smoke()
    assert {path.name for path in folder.iterdir()} == {*workdir.FILES, "checkpoints", ".lock"}
    assert (folder / "curves.png").stat().st_size > 10_000
    assert "![" in (folder / "report.md").read_text()
    assert f"Profile: {folder.parent}/profile, 5 steps of " in output
    assert len(list(folder.parent.glob("profile/plugins/profile/*/*.xplane.pb"))) == 1


def test_metrics_have_the_documented_form(short_run):
    lines = (short_run[0] / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["epoch"] for record in records] == list(range(1, smoke().epochs + 1))
    for record in records:
        assert set(record) == {"epoch", "train", "test", "seconds", "examples_per_second"}
        assert set(record["train"]) == set(record["test"]) == LOSSES_AND_ACCURACIES
        assert record["seconds"] * record["examples_per_second"] == pytest.approx(500)
    _, epochs, saved = result(short_run[0])  # compares the records
    assert (epochs, len(saved)) == ([1, 2], 2)


@pytest.mark.long
def test_every_sum_is_learned(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_DISABLE_MOST_OPTIMIZATIONS")
    succeed("--config", "sample", "--workdir", tmp_path / "run")
    state, epochs, records = result(tmp_path / "run")
    assert epochs[-1] == len(records) == sample().epochs
    assert records[-1]["test"]["digit_accuracy"] > 0.93
    assert records[-1]["test"]["sum_accuracy"] > 0.9
    test, network = load("sample").test, Network(sample().recipe, state.variables)
    sums = np.asarray(predict_outputs(network, test.image).sum_logits).argmax(-1)
    for digit, number in np.ndindex(10, 10):
        answers = sums[test.digit == digit, number]
        assert np.bincount(answers, minlength=19).argmax() == digit + number
        assert (answers == digit + number).mean() > 0.6


def test_an_error_of_ours_is_not_taken_for_one_of_the_disk(monkeypatch, tmp_path):
    for name in ("train", "train_seeds"):
        monkeypatch.setattr(run, name, MagicMock(side_effect=FileNotFoundError("a font")))
    for more in ((), ("--seeds", "2")):
        with pytest.raises(FileNotFoundError):
            main(["--config", "smoke", "--workdir", str(tmp_path / f"run{len(more)}"), *more])


def test_only_what_orbax_logs_is_kept_quiet(monkeypatch):
    logger, shown = logging.getLogger("absl"), []
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(logger, "callHandlers", lambda record: shown.append(record.pathname))
    files = ["/lib/orbax/checkpoint/manager.py", "/lib/tensorflow_datasets/core.py"]
    records = [logger.makeRecord("absl", logging.ERROR, file, 1, "no", (), None) for file in files]
    list(map(logger.handle, records))
    run.quiet_orbax()
    list(map(logger.handle, records))
    assert shown == [*files, files[1]]


ODD = """
import importlib.metadata as metadata, threading
find = metadata.version
def version(name):
    if name == "mnist_sum":
        raise metadata.PackageNotFoundError(name)
    return find(name)
metadata.version = version
import experiments.run, experiments.describe
codes = []
line = ["--config", "smoke", "--epochs", "1", "--workdir", "übung"]
thread = threading.Thread(target=lambda: codes.append(experiments.run.main(line)))
thread.start()
thread.join()
raise SystemExit(codes[0])
"""


def test_a_thread_of_a_clone_that_is_not_installed_trains_and_prints_in_ascii(tmp_path):
    terminal = {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    # On two devices, as before: it finds what was compiled.
    output, *ends = run_python(ODD, tmp_path, JAX_NUM_CPU_DEVICES="2", **terminal)
    assert ends == ["", 0]
    assert r"Results: \xfcbung" in output
    assert "It works; that most sums are wrong is normal" in output
    assert (tmp_path / "übung" / "report.md").exists()
