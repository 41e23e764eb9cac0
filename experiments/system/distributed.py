"""Several processes, on one machine or on many, that train as one: JAX's distributed runtime."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple, NoReturn

import jax

from mnist_sum.errors import UsageError
from mnist_sum.terminal import handling_signals

START_SECONDS = 120  # within which all processes must have come together
HEARTBEAT_SECONDS = 20  # without a sign of life, after which a process is taken for dead
WORKER = "MNIST_SUM_WORKER"
OTHER_ENDED = 75  # exit code of a worker that finds others gone; a temporary failure in sysexits.h


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProcessOptions:
    """Which processes train together; without any of these, a process trains on its own."""

    coordinator: str | None = None
    """HOST:PORT of process 0, the same for all; JAX_COORDINATOR_ADDRESS if not given."""
    processes: int | None = None
    """How many processes train together; JAX_NUM_PROCESSES if not given."""
    process_id: int | None = None
    """Which of them this one is, from 0 on; JAX_PROCESS_ID if not given."""


class Place(NamedTuple):
    """The place of this process among those that train together."""

    coordinator: str
    processes: int
    process_id: int


class Scheduler(NamedTuple):
    """What has started this process and others, under the name by which JAX knows it."""

    name: str


SCHEDULERS = {  # by name: the variables that JAX reads, and of these the number of processes
    "slurm": (
        ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_LOCALID"),
        "SLURM_NTASKS",
    ),
    "ompi": (
        ("OMPI_MCA_orte_hnp_uri", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"),
        "OMPI_COMM_WORLD_SIZE",
    ),
}


def find_scheduler() -> Scheduler | None:
    """Say which scheduler has started this process together with others; None if none has.

    In Kubernetes only JAX's package for it knows how many there are; a job whose pods have indices
    is taken to be of several.
    """
    for name, (variables, count) in SCHEDULERS.items():
        if all(v in os.environ for v in variables) and os.environ.get(count, "1") != "1":
            return Scheduler(name)
    in_job = {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"} <= os.environ.keys()
    return Scheduler("k8s") if in_job and find_spec("kubernetes") else None


def find_place(options: ProcessOptions) -> Place | Scheduler | None:
    """Look up the options, and in the environment what is not given; None if all is missing.

    Without any of it, JAX finds the place of a process that a scheduler has started with others.

    Raises UsageError if only some of it is there, or makes no sense.
    """
    values = [
        os.environ.get(variable) if given is None else str(given)
        for variable, given in (
            ("JAX_COORDINATOR_ADDRESS", options.coordinator),
            ("JAX_NUM_PROCESSES", options.processes),
            ("JAX_PROCESS_ID", options.process_id),
        )
    ]
    if not any(values):
        return find_scheduler()
    try:
        coordinator, processes, process_id = values
        place = Place(str(coordinator), int(processes or ""), int(process_id or ""))
        host, port = place.coordinator.rsplit(":", 1)
        if host and 0 < int(port) < 2**16 and 0 <= place.process_id < place.processes:
            return place
    except ValueError:
        pass
    raise UsageError(
        f"--coordinator, --processes and --process-id are {', '.join(map(str, values))} and must "
        "be HOST:PORT, the number of processes, and which of them this is, from 0 on."
    )


def is_first() -> bool:
    """Say whether this process is the one that prints and writes."""
    return jax.process_index() == 0


def is_worker() -> bool:
    """Say whether this process was started by `supervise`."""
    return WORKER in os.environ


def are_waiting() -> bool:
    """Say whether other processes may wait for this one."""
    return is_worker() or jax.distributed.is_initialized()


def supervise(module: str, argv: Sequence[str]) -> int:
    """Run a command in a process of its own, as JAX aborts one that loses another.

    Returns its exit code, after a sentence if it was another process that failed.
    """
    worker = subprocess.Popen(
        [sys.executable, "-m", module, *argv],
        env=os.environ | {WORKER: "1"},
        stdin=subprocess.PIPE,  # its end tells the worker that we are gone
        start_new_session=True,  # or a terminal's Ctrl-C would reach it twice
    )
    with handling_signals(lambda number, frame: worker.send_signal(number)):
        code = worker.wait()
    if code in (-signal.SIGABRT, OTHER_ENDED):
        print(
            "error: Another process of this run has ended or cannot be reached; start all of them "
            "again with --resume.",
            file=sys.stderr,
        )
        return 1
    return code if code >= 0 else 128 - code


@contextmanager
def joined(place: Place | Scheduler) -> Iterator[None]:
    """Meet the other processes, and end this one at once if they or its supervisor end.

    A scheduler ends what is left of them by itself, and starts them again.
    """
    settings: dict[str, Any] = {
        "initialization_timeout": START_SECONDS,
        "heartbeat_timeout_seconds": HEARTBEAT_SECONDS,
    }
    if isinstance(place, Place):
        where, names = f"at {place.coordinator}", ("coordinator_address", "num_processes")
        settings |= zip((*names, "process_id"), place, strict=True)
        settings["cluster_detection_method"] = "deactivate"
    else:
        where = f"where JAX finds them by {place.name}"
        settings["cluster_detection_method"] = place.name
    try:
        jax.distributed.initialize(**settings)
    except RuntimeError as error:
        raise UsageError(
            f"The processes of this run have not met {where} within {START_SECONDS} s "
            f"({str(error).splitlines()[0][:100]})."
        ) from error
    if is_worker():
        threading.Thread(target=end_with_supervisor, daemon=True).start()
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        leave(OTHER_ENDED)


def leave(code: int) -> NoReturn:
    """End without waiting for the other processes, which may be gone or wait for this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_with_supervisor() -> None:
    """Wait for the end of the process that supervises this one, and end too."""
    os.read(sys.stdin.fileno(), 1)  # returns when the other end closes
    os._exit(1)
