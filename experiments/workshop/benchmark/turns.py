"""Measurements in turns, each in a process of its own, and repeated until the machine is quiet."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from experiments.workshop.benchmark.quiet import QUIET
from experiments.workshop.benchmark.worker import Figures, UnavailableError
from mnist_sum.errors import UsageError

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # a GPU's memory is for both
    "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no pool of processes that outlives the compiling
}

Ask = Callable[[Figures], Figures]


@contextmanager
def worker(module: str, cores: Collection[int], job: Figures) -> Iterator[tuple[Figures, Ask]]:
    """Start a process on some of the cores; gives its facts once it is prepared, and how to ask it.

    Raises UnavailableError if the machine lacks what the job needs, and UsageError if it fails.
    """
    with on_cores(cores):  # which the process inherits, before its libraries count them
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ENVIRONMENT,
            cwd=ROOT,
            start_new_session=True,  # or a terminal's Ctrl-C would reach it twice
        )

    def ask(request: Figures) -> Figures:
        try:
            print(json.dumps(request), file=process.stdin, flush=True)
            line = process.stdout.readline() if process.stdout else ""
        except BrokenPipeError:
            line = ""
        if not line:
            raise UsageError(f"The process of {module} has failed; what it printed stands above.")
        answer = json.loads(line)
        if "cannot" in answer:
            raise UnavailableError(answer["cannot"])
        return answer

    try:
        yield ask(job), ask
    finally:
        process.kill()  # it has nothing to finish
        process.communicate()


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Keep what is started inside of this block to some of the cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def take_turns(
    workers: Mapping[str, Ask], request: Figures, rounds: int
) -> dict[str, list[Figures]]:
    """Ask all for the same thing, one after the other, every second round in reverse.

    A turn in which others took too much of its cores' time is repeated, but all of them together no
    more often than there are turns: a machine that does not get quiet is left with what it gave.
    """
    turns: dict[str, list[Figures]] = {name: [] for name in workers}
    to_repeat = rounds * len(workers)
    for number in range(rounds):
        for name in list(workers)[:: -1 if number % 2 else 1]:
            figures = workers[name](request)
            while figures["left"] < QUIET and to_repeat:
                to_repeat -= 1
                figures = workers[name](request)
            turns[name].append(figures)
    return turns
