"""Several processes: who they are, and that they train what one alone trains."""

import signal
import socket
from contextlib import nullcontext

import chex
import jax
import pytest

from experiments.system import distributed
from experiments.system.distributed import HEARTBEAT_SECONDS, VARIABLES, ProcessOptions, find_place
from mnist_sum.errors import UsageError
from tests.commands import finish, result, run_python, start, succeed

RECIPE = (
    *("--config", "smoke", "--train-examples", "192", "--batch-size", "96", "--epochs", "4"),
    *("--learning-rate", "0.001"),  # small: rounding grows by itself in larger steps
)


@pytest.fixture(autouse=True)
def no_other_processes(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("options", "environment", "place"),
    [
        ((None, None, None), (), ()),
        (("here:1234", 2, 1), (), ("here:1234", 2, 1)),
        ((None, None, None), ("here:1234", "2", "0"), ("here:1234", 2, 0)),
        ((None, None, 1), ("here:1234", "2", "0"), ("here:1234", 2, 1)),
        (("here:1234", 2, None), (), None),
        (("here:1234", None, 0), (), None),
        ((None, 2, 0), (), None),
        (("here", 2, 0), (), None),
        ((":1234", 2, 0), (), None),
        (("here:0", 2, 0), (), None),
        (("here:65536", 2, 0), (), None),
        (("here:port", 2, 0), (), None),
        (("here:1234", 2, 2), (), None),
        (("here:1234", 2, -1), (), None),
        (("here:1234", 0, 0), (), None),
        ((None, None, None), ("here:1234", "two", "0"), None),
    ],
)
def test_a_place_is_given_by_options_or_by_the_environment(
    options, environment, place, monkeypatch
):
    for variable, value in zip(VARIABLES, environment, strict=False):
        monkeypatch.setenv(variable, value)
    sentence = r"^--coordinator, --processes and --process-id are .* but must be .* from 0\.$"
    with pytest.raises(UsageError, match=sentence) if place is None else nullcontext():
        assert tuple(find_place(ProcessOptions(*options)).values()) == place


SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_NODELIST": "127.0.0.1,other",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": "{}",
    "SLURM_LOCALID": "{}",
}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://127.0.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_RANK": "{}",
    "OMPI_COMM_WORLD_LOCAL_RANK": "{}",
}


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, 0),
        (SLURM | {"SLURM_NTASKS": "1"}, 0),
        (OPEN_MPI | {"OMPI_COMM_WORLD_SIZE": "1"}, 0),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, 0),
        (SLURM, 1),
        (OPEN_MPI, 1),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, 1),
    ],
)
def test_jax_is_asked_for_others_where_a_scheduler_has_several(variables, asked, monkeypatch):
    calls = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **settings: calls.append(settings))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with distributed.joined({}):
        assert len(calls) == asked


ALONE = """
import jax
from experiments.system.distributed import joined
with joined({}):
    print(jax.process_count(), jax.distributed.is_initialized())
"""


def test_a_process_that_jax_finds_no_others_for_trains_on_its_own():
    # It says no more, as in the shell of salloc.
    assert run_python(ALONE, SLURM_NTASKS="2") == ("1 False\n", "", 0)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.mark.long
@pytest.mark.parametrize("variables", [SLURM, OPEN_MPI], ids=["slurm", "ompi"])
def test_processes_of_a_scheduler_train_as_one_without_an_option(variables, tmp_path):
    port = {"JAX_COORDINATOR_PORT": free_port()}
    recipe = (*RECIPE[:-3], "1", *RECIPE[-2:], "--workdir", tmp_path / "run")
    pair = [
        start(
            *recipe,
            devices=4,
            prefix=("env", *(f"{k}={v.format(i)}" for k, v in (variables | port).items())),
        )
        for i in range(2)
    ]
    (code, output, errors), (other_code, other_output, _) = map(finish, pair)
    assert (code, other_code) == (0, 0), errors
    assert "Device:  8 x cpu" in output
    assert "epoch" not in other_output  # what else there is comes of Gloo
    assert result(tmp_path / "run")[1] == [1]


def start_pair(folder):
    """Start two processes of four devices each on this machine, to train as one."""
    coordinator = f"127.0.0.1:{free_port()}"
    together = ("--resume", "--workdir", folder, "--coordinator", coordinator, "--processes", 2)
    return [start(*RECIPE, *together, "--process-id", i, devices=4) for i in range(2)]


@pytest.mark.long
@pytest.mark.parametrize("lost", [0, 1])
def test_two_processes_lose_one_go_on_and_end_as_one_alone_does(lost, tmp_path):
    pair = start_pair(tmp_path / "pair")
    for line in pair[0].stdout:
        if line.startswith("epoch 2/"):
            break
    pair[lost].send_signal(signal.SIGKILL)
    code, _, errors = finish(pair[1 - lost], timeout=HEARTBEAT_SECONDS + 30)
    assert code == 2
    assert errors.splitlines()[-1].startswith("error: Another process of this run has ended")
    finish(pair[lost])

    pair = start_pair(tmp_path / "pair")
    (code, output, errors), (other_code, other_output, _) = map(finish, pair)
    assert (code, other_code) == (0, 0), errors
    assert "Device:  8 x cpu" in output
    assert any(f"Resumed: {done} of 4 epochs are done" in output for done in (1, 2))
    assert "epoch" not in other_output

    succeed(*RECIPE, "--workdir", tmp_path / "alone")
    (state, epochs, records), (alone, epochs_alone, records_alone) = (
        result(tmp_path / name) for name in ("pair", "alone")
    )
    assert epochs == epochs_alone
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    # Not the momentum: rounding takes an activation across the kink of its ReLU in one of the two,
    # which moves a gradient by a hundredth; the learning rate keeps that from the parameters.
    for part in ("step", "params", "batch_stats"):
        chex.assert_trees_all_close(
            getattr(state, part), getattr(alone, part), rtol=1e-3, atol=1e-4
        )
    for one, other in zip(records, records_alone, strict=True):
        chex.assert_trees_all_close(one["train"], other["train"], rtol=1e-3)
