"""Several seeds of one config, each trained in a process of its own; on a processor, many at once.

A step on small images cannot keep many cores busy: a seed on each takes less time than one seed
after the other on all.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple, NoReturn

from experiments.report.records import read_run
from experiments.system import workdir
from experiments.system.device import DeviceChoice
from experiments.training.progress import COMPILING, SeedsProgress, figures_of
from mnist_sum.errors import UsageError

POLL_SECONDS = 0.2
FIND_PLATFORM = "import jax; print(jax.default_backend())"


class SeedWork(NamedTuple):
    """The training of a seed: where it goes, and what does it, which returns an exit code."""

    seed: int
    folder: Path
    train: Callable[[], int]


class Training(NamedTuple):
    """A seed that is being trained, or has been."""

    work: SeedWork
    process: SpawnProcess
    cores: set[int]


def train_seeds(works: Sequence[SeedWork], epochs: int, device: DeviceChoice) -> None:
    """Train each seed in its own folder, beside which its log goes.

    Raises UsageError if one of them fails, once all have stopped.
    """
    waiting, running = list(works), list[Training]()
    free = share_cores(len(works), device)
    print(f"Seeds:   {works[0].seed} .. {works[-1].seed}, {len(free)} at a time")
    print(f"Results: {works[0].folder.parent}\n{COMPILING}", flush=True)
    progress = SeedsProgress(epochs * len(works), sys.stdout.isatty())

    def left(work: SeedWork) -> int:
        return epochs - workdir.count_epochs(work.folder)

    try:
        while waiting or running:
            while waiting and free:
                running.append(start(waiting.pop(0), free.pop()))
            progress.advance({t.work.seed: left(t.work) for t in running}, list(map(left, waiting)))
            time.sleep(POLL_SECONDS)
            for training in [t for t in running if not t.process.is_alive()]:
                running.remove(training)
                free.append(training.cores)
                progress.write(outcome(training))
    finally:
        progress.close()
        for training in running:
            training.process.terminate()
        for training in running:
            training.process.join()


def share_cores(seeds: int, device: DeviceChoice) -> list[set[int]]:
    """Divide the processor's cores among as many seeds as can train at once; a GPU takes one."""
    if not hasattr(os, "sched_getaffinity"):  # as on macOS
        return [set()]
    cores = sorted(os.sched_getaffinity(0))
    parts = min(seeds, len(cores)) if is_for_processor(device) else 1
    return [set(cores[part::parts]) for part in range(parts)]


def is_for_processor(device: DeviceChoice) -> bool:
    """Say whether a run would compute on a processor; another process looks, and opens the GPU."""
    if device != "auto":
        return device == "cpu"
    found = subprocess.run([sys.executable, "-c", FIND_PLATFORM], capture_output=True, text=True)
    return found.stdout.strip() == "cpu"


def start(work: SeedWork, cores: set[int]) -> Training:
    """Start the training of a seed on some of the cores."""
    process = multiprocessing.get_context("spawn").Process(target=train_apart, args=(work, cores))
    process.start()
    return Training(work, process, cores)


def train_apart(work: SeedWork, cores: set[int]) -> NoReturn:
    """Train a seed in this process, which is its own, and write all that it prints into its log."""
    if hasattr(os, "setsid"):  # not on Windows
        os.setsid()  # or a terminal's Ctrl-C would reach it twice
    if cores:
        os.sched_setaffinity(0, cores)
    with log_of(work.folder).open("w") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    sys.exit(work.train())


def log_of(folder: Path) -> Path:
    """Name the file with what the training in a folder prints."""
    return folder.with_name(f"{folder.name}.log")


def outcome(training: Training) -> str:
    """Say what a seed has reached; raises UsageError if its training has failed."""
    seed, folder, _ = training.work
    if training.process.exitcode:
        last = (log_of(folder).read_text().splitlines() or ["it says nothing"])[-1]
        raise UsageError(
            f"Seed {seed} has failed, and says in {log_of(folder)}: {last.removeprefix('error: ')}"
        )
    _, records = read_run(folder)
    return f"seed {seed}  test  {figures_of(records[-1]['test'])}"
