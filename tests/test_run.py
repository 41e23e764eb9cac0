"""The command: a whole run on the sample, and one sentence for everything that cannot be run."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from experiments.configs import sample
from experiments.run import RunOptions, default_folder, main
from experiments.system import workdir
from mnist_sum.data import load
from mnist_sum.files.checkpoint import open_checkpoints, restore_latest
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from tests.commands import ROOT, run_command

LOSSES_AND_ACCURACIES = {"digit_loss", "sum_loss", "digit_accuracy", "sum_accuracy"}


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """Train on the sample, once for this module."""
    folder = tmp_path_factory.mktemp("sample") / "run"
    profile = folder.with_name("profile")
    code, output, errors = run_command(
        "--config", "sample", "--workdir", folder, "--profile", profile
    )
    assert (code, errors) == (0, "")
    return folder, output


@pytest.fixture(scope="module")
def records(sample_run):
    folder, _ = sample_run
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_it_says_what_it_runs_on_and_two_lines_an_epoch(sample_run):
    folder, output = sample_run
    device, data, model, results, *lines = output.splitlines()
    assert device.startswith("Device:  2 x cpu, ")
    assert device.endswith(f" (no GPU found); JAX {jax.__version__}")
    assert data == "Data:    sample, 4,000 training and 1,000 test images"
    assert model == "Model:   21,843 parameters"
    assert results == f"Results: {folder}"
    assert sum("  train  " in line for line in lines) == sample().epochs
    assert sum("  test   " in line for line in lines) == sample().epochs
    assert max(len(line) for line in lines if str(folder.parent) not in line) <= 80


def test_metrics_have_the_documented_form_and_show_that_it_learns(records):
    assert [record["epoch"] for record in records] == list(range(1, sample().epochs + 1))
    for record in records:
        assert set(record) == {"epoch", "train", "test", "seconds", "examples_per_second"}
        assert set(record["train"]) == set(record["test"]) == LOSSES_AND_ACCURACIES
        assert record["seconds"] * record["examples_per_second"] == pytest.approx(4000)
    assert records[-1]["test"]["digit_accuracy"] > 0.93
    assert records[-1]["test"]["sum_accuracy"] > 0.9


def test_the_work_folder_is_complete_and_holds_what_a_run_may_replace_alone(sample_run):
    folder, _ = sample_run
    assert workdir.read_config(folder) == sample()
    assert {path.name for path in folder.iterdir()} == {*workdir.OURS, ".lock"}
    assert (folder / "curves.png").stat().st_size > 10_000
    assert "![" in (folder / "report.md").read_text()


def test_a_profile_is_of_some_steps(sample_run):
    folder, output = sample_run
    assert f"Profile: {folder.parent}/profile, 20 steps of " in output
    assert len(list(folder.parent.glob("profile/plugins/profile/*/*.xplane.pb"))) == 1


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


def test_a_run_that_has_stopped_is_gone_on_with_and_not_begun_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = workdir.next_free("sample")
    workdir.note(folder, "sample", sample(), {})
    workdir.write_metrics(folder, [{"epoch": i} for i in range(8)])
    assert main(["--config", "sample"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: runs/sample stopped at 8 of 12 epochs; go on with ")
    assert " --config sample --resume --workdir runs/sample, or choose " in printed.err
    options = RunOptions(config=sample(), resume=True)
    assert default_folder("sample", options, []) == folder
    assert default_folder("other", options, []) == workdir.RUNS / "other"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--config smoke --batch-size 499", "leaves a last batch of one image out of 500"),
        ("--config smoke --device gpu", "--device gpu needs a GPU"),
        ("--config smoke --workdir /dev/null/run", "/dev/null/run cannot be written (Not a dir"),
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
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    finished = subprocess.run(
        [sys.executable, "-c", ODD], capture_output=True, text=True, env=os.environ | environment,
        cwd=tmp_path,
    )  # fmt: skip
    assert (finished.returncode, finished.stderr) == (0, "")
    assert r"Results: \xfcbung" in finished.stdout
    assert "It works; that most sums are wrong is normal" in finished.stdout
    assert (tmp_path / "übung" / "report.md").exists()


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
