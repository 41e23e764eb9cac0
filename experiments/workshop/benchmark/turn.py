"""A turn of the bench: a process of its own, which does a job and says what its cores were left.

What counts is the time that others took from its cores: the time that these were busy, or away with
another machine (steal), less what the process used. How much it used doesn't tell: threads that
wait for each other may sleep, or spin, which keeps a core busy for nothing.
"""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import psutil

from experiments.configs import Config
from experiments.system.device import DeviceChoice
from mnist_sum.data import Dataset, Splits
from mnist_sum.errors import UsageError, UserError

Figures = dict[str, Any]

CPU_STEPS = 40  # in a call
GPU_IMAGES = 60_000  # in a call, or somewhat less: whole batches
CACHES = ("JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")  # of what is compiled
QUIET = 0.9  # of its cores' time, which a measurement must have been left
BUSY = ("user", "nice", "system", "irq", "softirq", "steal")  # not idle; guests are users


class Job(NamedTuple):
    """What to train, where and how long."""

    config: Config
    splits: Splits
    folder: str  # for what is compiled
    cores: list[int]
    device: DeviceChoice
    seconds: float = 0.0  # at least
    to_the_end: bool = False  # of the config, on all images
    way: str = ""  # of PyTorch

    @property
    def on(self) -> str:
        cores = "1 core" if len(self.cores) == 1 else f"{len(self.cores)} cores"
        return "GPU" if self.device == "gpu" else cores

    def load_images(self, platform: str) -> Splits:
        """Take the images, those to train on cut or repeated to as many as a call has there."""
        if self.to_the_end:
            return self.splits
        size, train = self.config.recipe.batch_size, self.splits.train
        count = size * (CPU_STEPS if platform == "cpu" else max(GPU_IMAGES // size, 1))
        return self.splits._replace(
            train=Dataset(*(np.resize(column, (count, *column.shape[1:])) for column in train))
        )


def ask(module: str, job: Job) -> Figures:
    """Have a module do a job in a process of its own; returns its figures.

    Raises UsageError if it fails, or cannot do the job.
    """
    cores = ",".join(map(str, job.cores))  # which libraries count when they are imported
    with subprocess.Popen(
        ["taskset", "--cpu-list", cores, sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict.fromkeys(CACHES, job.folder) | os.environ,
        start_new_session=True,  # or a terminal's Ctrl-C would reach it too
    ) as process:
        try:
            printed, _ = process.communicate(pickle.dumps(job))
        finally:
            process.kill()  # if it is still there, after Ctrl-C
            process.wait()
    if process.returncode:
        raise UsageError(f"The process of {module} has failed; what it printed is above.")
    figures: Figures = json.loads(printed.splitlines()[-1])
    if "cannot" in figures:
        raise UsageError(figures["cannot"])
    return figures


def answer(measure: Callable[[Job], Figures]) -> None:
    """Do the job that this process is asked to; an error that the user can mend is an answer."""
    try:
        figures = measure(pickle.load(sys.stdin.buffer))
    except UserError as error:
        figures = {"cannot": str(error)}
    print(json.dumps(figures))


def take_turns(sides: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Have all sides measure, one after the other, every second round in reverse.

    A turn in which others took too much of its cores' time is repeated, but all of them together no
    more often than there are turns: a machine that does not get quiet is left with what it gave.
    """
    turns: dict[str, list[Figures]] = {side: [] for side in sides}
    to_repeat = rounds * len(sides)
    for number in range(rounds):
        for side in list(sides)[:: -1 if number % 2 else 1]:
            figures = sides[side]()
            while figures["left"] < QUIET and to_repeat:
                to_repeat -= 1
                figures = sides[side]()
            turns[side].append(figures)
    return turns


def measure_calls(
    call: Callable[[int], object], images: int, calls: int = 1, seconds: float = 0
) -> Figures:
    """Measure calls, each on N images: at least `calls` of them, for at least `seconds`.

    Each is given its number; call 0, which compiles, comes before.
    """
    start = time.perf_counter()
    call(0)
    before, done = read_clocks(), 0
    while done < calls or time.perf_counter() < before[0] + seconds:
        done += 1
        call(done)
    clock, own, busy = (b - a for a, b in zip(before, read_clocks(), strict=True))
    return {
        "seconds": clock,
        "left": share_left(clock, own, busy, len(os.sched_getaffinity(0))),
        "images_per_second": done * images / clock,
        "compile_seconds": max(before[0] - start - clock / done, 0.0),
    }


def read_clocks() -> tuple[float, float, float]:
    """Read seconds on the clock, that this process has computed, that its cores were busy."""
    times = psutil.cpu_times(percpu=True)
    busy = sum(getattr(times[core], kind) for core in os.sched_getaffinity(0) for kind in BUSY)
    return time.perf_counter(), time.process_time(), busy


def share_left(clock: float, own: float, busy: float, cores: int) -> float:
    """Compute the share of its cores' time that others left to a process."""
    return 1 - max(busy - own, 0.0) / (clock * cores)
