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
SEEDS = ("--seed", "0", "--seeds=2", "--workdir")
KILLS = 20
ERROR_OF_THE_USER = 2


def assert_same_result(*folders):
    """Compare parameters, optimizer state, step, batch statistics, epochs and metrics, all bits."""
    (state, *others), (expected, *expected_others) = map(result, folders)
    chex.assert_trees_all_equal(state, expected)
    assert others == expected_others


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Train without a break."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    succeed(*RECIPE, "--workdir", folder)
    return folder


def wait_for_epoch(process, epoch):
    """Read the output of a run until it has done an epoch."""
    for line in process.stdout:
        if re.match(rf"epoch +{epoch}/", line):
            return
    raise AssertionError(process.stderr.read())


def way_on(errors, epochs):
    """Read from what an interrupted run says how many epochs are saved, and how to go on."""
    message, command = errors.strip().splitlines()
    done = re.fullmatch(rf"Interrupted with (\d+) of {epochs} epochs saved. Go on with:", message)[
        1
    ]
    return int(done), command.removeprefix(f"{sys.executable} -m experiments.run ").split()


def test_the_same_run_in_another_process_has_the_same_bits_and_gets_its_report_again(
    whole_run, tmp_path
):
    folder = tmp_path / "run"
    output = succeed(*RECIPE, "--workdir", folder, "--resume")
    assert f"Nothing to resume in {folder}: starting a new run" in output
    assert_same_result(folder, whole_run)
    report = (folder / "report.md").read_text()
    (folder / "report.md").unlink()
    (folder / "metrics.jsonl").write_text("")
    output = succeed(*RECIPE, "--workdir", folder, "--resume")
    assert "Resumed: 8 of 8 epochs are done" in output
    assert (folder / "report.md").read_text() == report
    assert_same_result(folder, whole_run)


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(whole_run, tmp_path):
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
            assert_same_result(folder, whole_run)
            shutil.rmtree(folder)
    succeed(*recipe)
    assert_same_result(folder, whole_run)
    assert (folder / "report.md").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_says_how_to_go_on(number, whole_run, tmp_path):
    folder = tmp_path / "run"
    process = start(*RECIPE, "--workdir", folder)
    wait_for_epoch(process, 2)
    process.send_signal(number)
    code, _, errors = finish(process, timeout=10)
    assert code == 128 + number
    done, arguments = way_on(errors, epochs=8)
    assert done >= 1  # the second is shown before it is saved
    assert arguments == [*RECIPE, "--workdir", str(folder), "--resume"]
    assert f"Resumed: {done} of 8 epochs are done" in succeed(*arguments)
    assert_same_result(folder, whole_run)


def test_a_run_that_goes_on_for_more_epochs_is_the_same_as_one_of_so_many(tmp_path):
    recipe = [*RECIPE[:-1], "2", "--schedule", "constant", "--workdir", tmp_path / "more"]
    succeed(*recipe)
    recipe[recipe.index("2")] = "3"
    output = succeed(*recipe, "--resume")
    assert "Resumed: 2 of 3 epochs are done" in output
    succeed(*recipe[:-1], tmp_path / "whole")
    assert_same_result(tmp_path / "more", tmp_path / "whole")


def test_a_full_disk_is_a_sentence_and_loses_nothing(whole_run, tmp_path):
    folder = shutil.copytree(whole_run, tmp_path / "all_epochs_but_one")
    shutil.rmtree(folder / "checkpoints" / "8")
    (folder / "report.md").unlink()
    recipe = [*RECIPE, "--workdir", folder, "--resume"]
    small_files_only = ("bash", "-c", 'ulimit -f 4; exec "$@"', "bash")  # as if the disk were full
    code, _, errors = run_command(*recipe, prefix=small_files_only)
    assert code == ERROR_OF_THE_USER
    assert re.fullmatch("error: .* cannot be written .*\n", errors)
    succeed(*recipe)
    assert_same_result(folder, whole_run)


def test_a_loss_that_is_not_finite_stops_the_run_with_epoch_and_step(tmp_path):
    code, _, errors = run_command(*RECIPE, "--workdir", tmp_path / "run", "--learning-rate", "1e30")
    assert code == ERROR_OF_THE_USER
    assert "no longer finite after step 2 of epoch 1" in errors
    assert errors.count("\n") == 1
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_several_seeds_are_interrupted_go_on_and_are_summed_up(tmp_path):
    folder, whole = tmp_path / "run", tmp_path / "whole"
    recipe = [*RECIPE, *SEEDS]
    process = start(*recipe, folder)
    wait_for_seeds(process, folder)
    process.send_signal(signal.SIGINT)
    code, output, errors = finish(process, timeout=20)
    assert code == 128 + signal.SIGINT
    assert output.startswith("Seeds:   0 .. 1, ")
    _, arguments = way_on(errors, epochs=16)
    assert arguments == [*recipe, str(folder), "--resume"]
    output = succeed(*arguments)
    assert "seed 1  test  digit " in output
    assert "Resumed: " in (folder / "seed-1.log").read_text()
    assert json.loads((folder / "summary.json").read_text())["seeds"] == [0, 1]
    assert (folder / "seeds.png").exists()
    succeed(*recipe, whole)
    assert_same_result(folder / "seed-1", whole / "seed-1")


def wait_for_seeds(process, folder):
    """Wait until both seeds have done an epoch."""
    while not all(count_epochs(folder / f"seed-{seed}") for seed in (0, 1)):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)


def is_free(folder):
    """Whether no run holds a folder any more."""
    try:
        with lock(folder):
            return True
    except UsageError:
        return False


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_seeds_end_with_the_command_however_it_ends(number, tmp_path):
    process = start(*LASTING, *SEEDS, tmp_path)
    wait_for_seeds(process, tmp_path)
    process.send_signal(number)
    code, _, errors = finish(process, timeout=20)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 128 + number)
    assert number == signal.SIGKILL or "Go on with:" in errors
    while not all(is_free(tmp_path / f"seed-{seed}") for seed in (0, 1)):
        time.sleep(0.1)


def test_a_seed_that_is_killed_is_said_to_be_and_goes_on(tmp_path):
    recipe = (*LASTING, *SEEDS, tmp_path)
    process = start(*recipe)
    wait_for_seeds(process, tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)
    code, _, errors = finish(process, timeout=30)
    assert code == ERROR_OF_THE_USER
    assert re.match(r"error: Seed \d was killed by signal 9, often for lack of memory; go ", errors)
    assert errors.endswith(f"experiments.run {shlex.join(map(str, recipe))} --resume\n")


def test_a_seed_that_fails_ends_the_others_and_leaves_the_log_of_who_holds_its_folder(tmp_path):
    holder = start(*LASTING, "--seed", "1", "--workdir", tmp_path / "seed-1")
    wait_for_epoch(holder, 1)
    log = tmp_path / "seed-1.log"
    log.write_text("mnist_sum 0.3.0\nwhat the holder says\n")
    code, _, errors = run_command(*LASTING, *SEEDS, tmp_path, "--resume")
    assert code == ERROR_OF_THE_USER
    assert errors == (
        f"error: Seed 1 failed; {log} ends with: The work folder {tmp_path}/seed-1 is in use "
        "by another run; choose another --workdir.\n"
    )
    assert log.read_text().startswith("mnist_sum 0.3.0\nwhat the holder says\n")
    assert is_free(tmp_path / "seed-0")
    assert count_epochs(tmp_path / "seed-0") < 1000
    holder.send_signal(signal.SIGINT)
    assert finish(holder)[0] == 128 + signal.SIGINT
