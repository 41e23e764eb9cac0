"""A run that is stopped at any moment goes on and ends with the bits of one that never was."""

import json
import os
import random
import re
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

import chex
import pytest

from experiments.system.workdir import count_epochs, lock
from mnist_sum.errors import UsageError
from tests.commands import finish, result, run_command, start, succeed

pytestmark = pytest.mark.long

RECIPE = ("--config", "smoke", "--train-examples", "300", "--epochs", "8")
LASTING = (*RECIPE[:-1], "1000")  # still training when what is tested has happened
KILLS = 20
ERROR_OF_THE_USER = 2
SMALL_FILES_ONLY = ("bash", "-c", 'ulimit -f 4; exec "$@"', "bash")  # as if the disk were full


def assert_same_result(folder, expected):
    """Compare parameters, optimizer state, step, batch statistics, epochs and metrics, all bits."""
    state, epochs, records = result(folder)
    chex.assert_trees_all_equal(state, expected[0])
    assert epochs == expected[1]
    assert records == expected[2]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Train without a break."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    succeed(*RECIPE, "--workdir", folder)
    return folder


@pytest.fixture(scope="module")
def expected(whole_run):
    """Read what any such run must end with."""
    return result(whole_run)


@pytest.fixture
def half_a_run(whole_run, tmp_path):
    """Make a run that has done all epochs but one."""
    folder = shutil.copytree(whole_run, tmp_path / "half")
    shutil.rmtree(folder / "checkpoints" / "8")
    (folder / "report.md").unlink()
    return folder


def wait_for_epoch(process, epoch):
    """Read the output of a run until it has done an epoch."""
    for line in process.stdout:
        if re.match(rf"epoch +{epoch}/", line):
            return
    raise AssertionError(process.stderr.read())


def test_the_same_run_in_another_process_has_the_same_bits(expected, tmp_path):
    succeed(*RECIPE, "--workdir", tmp_path / "run", "--resume")
    assert_same_result(tmp_path / "run", expected)


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(expected, tmp_path):
    chance = random.Random(0)
    folder, killed = tmp_path / "run", 0
    recipe = [*RECIPE, "--workdir", folder, "--resume"]
    while killed < KILLS:
        process = start(*recipe)
        if chance.random() < 0.8:  # once training has begun, else anywhere from the start on
            process.stdout.readline()
            for line in process.stdout:
                if line.startswith("Compiled"):
                    break
        time.sleep(chance.uniform(0, 1.5))
        process.kill()
        if finish(process)[0] == -signal.SIGKILL:
            killed += 1
        else:  # it was done before: begin a new one
            assert_same_result(folder, expected)
            shutil.rmtree(folder)
    succeed(*recipe)
    assert_same_result(folder, expected)
    assert (folder / "report.md").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_says_how_to_go_on(number, expected, tmp_path):
    folder = tmp_path / "run"
    process = start(*RECIPE, "--workdir", folder)
    wait_for_epoch(process, 2)
    process.send_signal(number)
    code, _, errors = finish(process, timeout=10)
    assert code == 128 + number
    message, command = errors.strip().splitlines()
    assert message.startswith("Interrupted after ")
    assert message.endswith(" of 8 epochs, which are saved. Go on with:")
    arguments = command.removeprefix(f"{sys.executable} -m experiments.run ").split()
    assert arguments == [*RECIPE, "--workdir", str(folder), "--resume"]
    output = succeed(*arguments)
    done = int(message.split()[2])
    assert f"Resumed: {done} of 8 epochs are done" in output
    assert done >= 1  # the second is shown before it is saved
    assert_same_result(folder, expected)


def test_a_finished_run_gets_its_report_again(whole_run, tmp_path, expected):
    folder = shutil.copytree(whole_run, tmp_path / "run")
    (folder / "report.md").unlink()
    (folder / "metrics.jsonl").write_text("")
    output = succeed(*RECIPE, "--workdir", folder, "--resume")
    assert "Resumed: 8 of 8 epochs are done" in output
    assert (folder / "report.md").read_text() == (whole_run / "report.md").read_text()
    assert_same_result(folder, expected)


def test_a_run_that_goes_on_for_more_epochs_is_the_same_as_one_of_so_many(tmp_path):
    recipe = [*RECIPE[:-1], "2", "--schedule", "constant", "--workdir", tmp_path / "more"]
    succeed(*recipe)
    recipe[recipe.index("2")] = "3"
    output = succeed(*recipe, "--resume")
    assert "Resumed: 2 of 3 epochs are done" in output
    succeed(*recipe[:-1], tmp_path / "whole")
    assert_same_result(tmp_path / "more", result(tmp_path / "whole"))


def test_a_full_disk_is_a_sentence_and_loses_nothing(half_a_run, expected):
    recipe = [*RECIPE, "--workdir", half_a_run, "--resume"]
    code, _, errors = run_command(*recipe, prefix=SMALL_FILES_ONLY)
    assert code == ERROR_OF_THE_USER
    assert errors.startswith("error: ")
    assert "cannot be written" in errors
    assert errors.count("\n") == 1
    succeed(*recipe)
    assert_same_result(half_a_run, expected)


def test_a_loss_that_is_not_finite_stops_the_run_with_epoch_and_step(tmp_path):
    code, _, errors = run_command(*RECIPE, "--workdir", tmp_path / "run", "--learning-rate", "1e30")
    assert code == ERROR_OF_THE_USER
    assert "no longer finite after step 2 of epoch 1" in errors
    assert errors.count("\n") == 1
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_several_seeds_are_interrupted_go_on_and_are_summed_up(tmp_path):
    folder, whole = tmp_path / "run", tmp_path / "whole"
    recipe = [*RECIPE, "--seed", "0", "--seeds=2", "--workdir"]
    process = start(*recipe, folder)
    wait_for_seeds(process, folder)
    process.send_signal(signal.SIGINT)
    code, output, errors = finish(process, timeout=20)
    assert code == 128 + signal.SIGINT
    assert output.startswith("Seeds:   0 .. 1, ")
    message, command = errors.strip().splitlines()
    assert message.endswith(" of 16 epochs, which are saved. Go on with:")
    arguments = command.removeprefix(f"{sys.executable} -m experiments.run ").split()
    assert arguments == [*recipe, str(folder), "--resume"]
    output = succeed(*arguments)
    assert "seed 1  test  digit " in output
    assert "Resumed: " in (folder / "seed-1.log").read_text()
    assert json.loads((folder / "summary.json").read_text())["seeds"] == [0, 1]
    assert (folder / "seeds.png").exists()
    succeed(*recipe, whole)
    assert_same_result(folder / "seed-1", result(whole / "seed-1"))


def wait_for_seeds(process, folder):
    """Wait until both seeds have done an epoch; returns their logs."""
    while not all(count_epochs(folder / f"seed-{seed}") for seed in (0, 1)):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    return [folder / f"seed-{seed}.log" for seed in (0, 1)]


def is_free(folder):
    """Whether no run holds a folder any more."""
    try:
        with lock(folder):
            return True
    except UsageError:
        return False


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_seeds_end_with_the_command_however_it_ends(number, tmp_path):
    process = start(*LASTING, "--workdir", tmp_path, "--seed", "0", "--seeds", "2")
    wait_for_seeds(process, tmp_path)
    process.send_signal(number)
    code, _, errors = finish(process, timeout=20)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 128 + number)
    assert number == signal.SIGKILL or "Go on with:" in errors
    while not all(is_free(tmp_path / f"seed-{seed}") for seed in (0, 1)):
        time.sleep(0.1)


def test_a_seed_that_is_killed_is_said_to_be_and_goes_on(tmp_path):
    recipe = (*LASTING, "--workdir", tmp_path, "--seed", "0", "--seeds", "2")
    process = start(*recipe)
    wait_for_seeds(process, tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)
    code, _, errors = finish(process, timeout=30)
    assert code == ERROR_OF_THE_USER
    assert re.match(r"error: Seed \d was killed by signal 9, often for want of memory; go ", errors)
    assert errors.endswith(f"experiments.run {shlex.join(map(str, recipe))} --resume\n")


def test_a_seed_that_fails_ends_the_others_and_leaves_the_log_of_who_holds_its_folder(tmp_path):
    holder = start(*LASTING, "--seed", "1", "--workdir", tmp_path / "seed-1")
    wait_for_epoch(holder, 1)
    log = tmp_path / "seed-1.log"
    log.write_text("mnist_sum 0.3.0\nwhat the holder says\n")
    recipe = (*LASTING, "--workdir", tmp_path, "--seed", "0", "--seeds", "2", "--resume")
    code, _, errors = run_command(*recipe)
    assert code == ERROR_OF_THE_USER
    assert errors == (
        f"error: Seed 1 has failed, and says in {log}: The work folder {tmp_path}/seed-1 is in use "
        "by another run; choose another --workdir.\n"
    )
    assert log.read_text().startswith("mnist_sum 0.3.0\nwhat the holder says\n")
    assert is_free(tmp_path / "seed-0")
    assert count_epochs(tmp_path / "seed-0") < 1000
    holder.send_signal(signal.SIGINT)
    assert finish(holder)[0] == 128 + signal.SIGINT
