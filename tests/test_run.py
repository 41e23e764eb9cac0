"""The command: a whole run on the sample, and one sentence for everything that cannot be run."""

import json
import logging
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from experiments.configs import sample
from experiments.run import main, quiet_orbax
from mnist_sum.data import load
from mnist_sum.files.checkpoint import open_checkpoints, restore_latest
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from tests.commands import run_command

LOSSES_AND_ACCURACIES = {"digit_loss", "sum_loss", "digit_accuracy", "sum_accuracy"}


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """Train on the sample, once for this module."""
    folder = tmp_path_factory.mktemp("sample") / "run"
    code, output, errors = run_command("--config", "sample", "--workdir", folder)
    assert (code, errors) == (0, "")
    return folder, output


@pytest.fixture(scope="module")
def records(sample_run):
    folder, _ = sample_run
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_it_says_first_what_it_runs_on(sample_run):
    _, output = sample_run
    device, data, model, *_ = output.splitlines()
    assert device.startswith("Device:  2 x cpu, ")
    assert f"JAX {jax.__version__}" in device
    assert "no GPU found" in device
    assert data == "Data:    sample, 4,000 training and 1,000 test images"
    assert model == "Model:   21,843 parameters"


def test_it_prints_two_lines_an_epoch(sample_run):
    _, output = sample_run
    lines = output.splitlines()
    assert sum("  train  " in line for line in lines) == sample().epochs
    assert sum("  test   " in line for line in lines) == sample().epochs
    assert max(len(line) for line in lines if not line.startswith("Re")) <= 80  # paths are longer


def test_metrics_have_the_documented_form(records):
    assert [record["epoch"] for record in records] == list(range(1, sample().epochs + 1))
    for record in records:
        assert set(record) == {"epoch", "train", "test", "seconds", "examples_per_second"}
        assert set(record["train"]) == set(record["test"]) == LOSSES_AND_ACCURACIES
        assert record["seconds"] * record["examples_per_second"] == pytest.approx(4000)


def test_it_learns(records):
    assert records[-1]["test"]["digit_accuracy"] > 0.93
    assert records[-1]["test"]["sum_accuracy"] > 0.9


def test_the_work_folder_is_complete(sample_run):
    folder, _ = sample_run
    noted = json.loads((folder / "config.json").read_text())
    assert noted["name"] == "sample"
    assert noted["config"]["epochs"] == sample().epochs
    assert (folder / "curves.png").stat().st_size > 10_000
    assert "![" in (folder / "report.md").read_text()


def test_the_sum_is_right_for_all_pairs_of_digit_and_number(sample_run, records):
    folder, _ = sample_run
    with open_checkpoints(folder / "checkpoints") as checkpoints:
        saved = restore_latest(checkpoints)
    assert saved.records == records
    test = load("sample").test
    sums = np.asarray(
        predict_outputs(Network(saved.recipe, saved.state.variables), test.image).sum_logits
    ).argmax(-1)
    for digit in range(10):
        for number in range(10):
            answers = sums[test.digit == digit, number]
            assert np.bincount(answers, minlength=19).argmax() == digit + number
            assert (answers == digit + number).mean() > 0.6


def test_a_work_folder_is_not_overwritten(sample_run, capsys):
    folder, _ = sample_run
    before = (folder / "metrics.jsonl").read_bytes()
    assert main(["--config", "smoke", "--workdir", str(folder)]) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert (folder / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--config nobody", "There is no config 'nobody'"),
        ("--config smoke --hidden-size 3", "Unrecognized options"),
        ("--config smoke --epochs ten", "Error parsing --epochs"),
        ("--config smoke --epochs -3", "epochs is -3 and must be at least 1."),
        ("--config smoke --batch-size 0", "batch_size is 0 and must be at least 2"),
        ("--config smoke --batch-size 499", "leaves a last batch of one image out of 500"),
        ("--config smoke --device gpu", "--device gpu needs a GPU"),
        ("--config smoke --device tpu", "invalid choice 'tpu'"),
        ("--config smoke --workdir /dev/null/run", "The work folder /dev/null/run cannot"),
        ("--config base --data-dir /dev/null/data", "put train-images-idx3-ubyte.gz"),
    ],
)
def test_what_cannot_be_run_is_one_sentence_and_exit_code_2(line, message, capsys, tmp_path):
    arguments = line.split()
    if "--workdir" not in arguments:
        arguments += ["--workdir", str(tmp_path / "run")]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (tmp_path / "run").exists()


def test_only_what_orbax_logs_is_kept_quiet():
    logger, shown = logging.getLogger("absl"), []
    handler = logging.Handler()
    handler.emit = shown.append
    logger.addHandler(handler)
    with quiet_orbax():
        for path in ("/lib/orbax/checkpoint/manager.py", "/lib/tensorflow_datasets/core.py"):
            logger.handle(logger.makeRecord("absl", logging.ERROR, path, 1, "no", (), None))
    logger.handle(logger.makeRecord("absl", logging.ERROR, "/lib/orbax/x.py", 1, "no", (), None))
    logger.removeHandler(handler)
    files = ["/lib/tensorflow_datasets/core.py", "/lib/orbax/x.py"]
    assert [record.pathname for record in shown] == files


def test_no_data_and_no_network_is_one_sentence_without_a_traceback(tmp_path):
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # none listens
    finished = subprocess.run(
        [sys.executable, "-m", "experiments.run", "--config", "base", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | proxies | {"JAX_PLATFORMS": "cpu", "HOME": str(tmp_path)},
        timeout=15,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    for word in ("downloads/manual", "train-images-idx3-ubyte.gz", '"sample"'):
        assert word in finished.stderr


def test_the_library_is_imported_with_nothing_it_does_not_need():
    finished = subprocess.run(
        [sys.executable, "-c", "import mnist_sum, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    needless = {"tensorflow", "tensorflow_datasets", "torch", "matplotlib", "orbax", "chex"}
    assert not needless & set(finished.stdout.split())
