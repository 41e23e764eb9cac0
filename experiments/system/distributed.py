"""Several processes, on one machine or on many, that train as one: JAX's distributed runtime."""

import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax

from mnist_sum.errors import UsageError

START_SECONDS = 120  # within which all processes must have come together
HEARTBEAT_SECONDS = 20  # without a sign of life, after which a process is taken for dead
SCHEDULED = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")  # hold the number of processes
IN_KUBERNETES = {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"}
VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
PLACE = re.compile(r"(.+:([1-9]\d*)) ([1-9]\d*) (\d+)")  # what the three hold


@dataclasses.dataclass(frozen=True)
class ProcessOptions:
    """Which processes train together; without any of these, a process trains on its own."""

    coordinator: str | None = None
    """HOST:PORT of process 0, the same for all; JAX_COORDINATOR_ADDRESS if not given."""
    processes: int | None = None
    """How many processes train together; JAX_NUM_PROCESSES if not given."""
    process_id: int | None = None
    """Which of them this one is, from 0 on; JAX_PROCESS_ID if not given."""


def find_place(options: ProcessOptions) -> dict[str, Any]:
    """Look up, for JAX, what is given by options or else in the environment; raises UsageError."""
    given = zip(dataclasses.astuple(options), VARIABLES, strict=True)
    values = [str(os.environ.get(name, "") if value is None else value) for value, name in given]
    if not any(values):
        return {}
    if place := PLACE.fullmatch(" ".join(values)):
        port, count, rank = map(int, place.groups()[1:])
        if port < 2**16 and rank < count:
            return {"coordinator_address": place[1], "num_processes": count, "process_id": rank}
    raise UsageError(
        "--coordinator, --processes and --process-id are "
        f"{', '.join(value or 'missing' for value in values)} but must be HOST:PORT, the "
        "number of processes, and the index of this one from 0."
    )


@contextmanager
def joined(place: Mapping[str, Any]) -> Iterator[None]:
    """Meet the other processes; raises UsageError if they do not come, or if one of them ends.

    Where none is heard of for a while, JAX ends this process by itself. Without a place, JAX finds
    those that Slurm, Open MPI or Kubernetes has started; where there are none, this one is alone.
    """
    several = any(os.environ.get(count, "1") != "1" for count in SCHEDULED)
    if place or several or os.environ.keys() >= IN_KUBERNETES:
        try:
            jax.distributed.initialize(
                **place,
                initialization_timeout=START_SECONDS,
                heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
                cluster_detection_method="deactivate" if place else None,
            )
        except RuntimeError as error:
            where = place.get("coordinator_address", "the place that JAX has found")
            raise UsageError(
                f"The processes of this run have not met at {where} within {START_SECONDS} s "
                f"({str(error).splitlines()[0][:100]})."
            ) from error
        except ValueError:
            pass  # JAX finds no others
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if not jax.distributed.is_initialized():
            raise
        print(str(error).splitlines()[0], file=sys.stderr)
        raise UsageError(
            "Another process of this run has ended or cannot be reached; start all of them again "
            "with --resume."
        ) from error


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    return jax.process_index() == 0
