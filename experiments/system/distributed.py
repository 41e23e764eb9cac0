"""Several processes, on one machine or on many, that train as one: JAX's distributed runtime."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

import jax

from experiments.system.arguments import UsageError

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


def find_place(options: ProcessOptions) -> Place | None:
    """Look up the options, and in the environment what is not given; None if all is missing.

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
        return None
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
    signal.signal(signal.SIGTERM, lambda number, frame: worker.send_signal(number))
    signal.signal(signal.SIGINT, lambda number, frame: worker.send_signal(number))
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
def joined(place: Place) -> Iterator[None]:
    """Meet the other processes, and end this one at once if they or its supervisor end."""
    try:
        jax.distributed.initialize(
            *place,
            cluster_detection_method="deactivate",
            initialization_timeout=START_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
        )
    except RuntimeError as error:
        raise UsageError(
            f"The {place.processes} processes have not met at {place.coordinator} within "
            f"{START_SECONDS} s ({str(error).splitlines()[0][:100]})."
        ) from error
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
