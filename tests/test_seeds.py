"""Several seeds at once: how they share a processor, and what is said of one that fails."""

import os

import pytest

from experiments.system import device, workdir
from experiments.training import seeds
from experiments.training.seeds import is_for_processor, outcome, share_cores, train_seeds
from mnist_sum.errors import UsageError
from tests.commands import run_command


@pytest.mark.parametrize(
    ("count", "choice", "quota", "shares"),
    [
        (2, "cpu", [], [[0, 2, 7], [1, 6]]),
        (9, "cpu", [], [[0], [1], [2], [6], [7]]),
        (9, "cpu", [2.0], [[0, 2, 7], [1, 6]]),  # of a container
        (9, "gpu", [], [[0, 1, 2, 6, 7]]),  # takes one at a time
    ],
)
def test_each_seed_has_cores_of_its_own(count, choice, quota, shares, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 6, 7}, raising=False)
    monkeypatch.setattr(device, "quotas", lambda: quota)
    assert share_cores(count, choice) == shares


def test_another_process_finds_out_what_there_is_to_compute_on(monkeypatch):
    assert is_for_processor("auto")  # tests run on a processor
    monkeypatch.setattr(seeds, "FIND_PLATFORM", "print('gpu')")
    assert not is_for_processor("auto")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (-9, "Seed 3 was killed by signal 9, often for lack of memory; go on with: x"),
        (-11, "Seed 3 was killed by signal 11; go on with: x"),
        (143, "Seed 3 was killed by signal 15; go on with: x"),
        (2, "Seed 3 failed; {}/seed-3.log ends with: The loss is no longer finite."),
    ],
)
def test_what_is_said_of_a_seed_that_has_failed(code, sentence, tmp_path):
    (tmp_path / "seed-3.log").write_text("epoch 1\nerror: The loss is no longer finite.\n")
    with pytest.raises(UsageError) as error:
        outcome(3, tmp_path / "seed-3", code, "x")
    assert str(error.value) == sentence.format(tmp_path)


def test_seeds_are_those_of_one_command_at_a_time(tmp_path):
    with workdir.lock(tmp_path):
        code, _, errors = run_command("--config=smoke", "--seeds=2", "--workdir", tmp_path)
    in_use = f"error: The work folder {tmp_path} is in use by another run; choose another --wor"
    assert (code, errors[: len(in_use)]) == (2, in_use)


def test_a_log_that_no_seed_has_written_is_not_replaced(tmp_path):
    (tmp_path / "seed-1.log").write_text("mine")
    with pytest.raises(UsageError, match=r"seed-1\.log exists and would be lost"):
        train_seeds([], range(2), tmp_path, 1, "cpu")
    assert (tmp_path / "seed-1.log").read_text() == "mine"
