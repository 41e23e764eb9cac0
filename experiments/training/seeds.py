"""Several seeds of one config, each trained in a process of its own; on a processor, many at once.

A step on small images cannot keep many cores busy: a seed on each takes less time than one seed
after the other on all.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from experiments.summarize import read_run
from experiments.system import workdir
from experiments.system.arguments import UsageError
from experiments.system.device import DeviceChoice
from experiments.training.progress import figures_of

POLL_SECONDS = 0.2
FIND_PLATFORM = "import jax; print(jax.default_backend())"


class Training(NamedTuple):
    """A seed that is being trained, or has been."""

    seed: int
    process: subprocess.Popen
    cores: set[int]


def train_seeds(
    argv: Sequence[str], folders: Mapping[int, Path], epochs: int, device: DeviceChoice
) -> None:
    """Train each seed by the command line `argv`, in its own folder, beside which its log goes.

    Raises UsageError if one of them fails, once all have stopped.
    """
    waiting, running = list(folders), list[Training]()
    free = share_cores(len(folders), device)
    print(f"Seeds:   {waiting[0]} .. {waiting[-1]}, {len(free)} at a time", flush=True)
    bar = tqdm(
        total=epochs * len(folders),
        disable=not sys.stdout.isatty(),
        leave=False,
        dynamic_ncols=True,
        unit=" epochs",
        file=sys.stdout,
    )
    try:
        while waiting or running:
            while waiting and free:
                seed = waiting.pop(0)
                running.append(start(argv, seed, folders[seed], free.pop()))
            time.sleep(POLL_SECONDS)
            bar.update(sum(map(workdir.count_epochs, folders.values())) - bar.n)
            for training in [t for t in running if t.process.poll() is not None]:
                running.remove(training)
                free.append(training.cores)
                bar.write(outcome(training, folders[training.seed]))
                sys.stdout.flush()
    finally:
        bar.close()
        for training in running:
            training.process.terminate()
        for training in running:
            training.process.wait()


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


def start(argv: Sequence[str], seed: int, folder: Path, cores: set[int]) -> Training:
    """Start the training of a seed on some of the cores."""
    own = ["--seeds", "1", "--seed", str(seed), "--workdir", str(folder)]
    all_cores = os.sched_getaffinity(0) if cores else cores
    try:
        if cores:
            os.sched_setaffinity(0, cores)  # which the process inherits
        with log_of(folder).open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "experiments.run", *argv, *own],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # or a terminal's Ctrl-C would reach it twice
            )
    finally:
        if cores:
            os.sched_setaffinity(0, all_cores)
    return Training(seed, process, cores)


def log_of(folder: Path) -> Path:
    """Name the file with what the training in a folder prints."""
    return folder.with_name(f"{folder.name}.log")


def outcome(training: Training, folder: Path) -> str:
    """Say what a seed has reached; raises UsageError if its training has failed."""
    if training.process.returncode:
        last = (log_of(folder).read_text().splitlines() or ["it says nothing"])[-1]
        raise UsageError(
            f"Seed {training.seed} has failed, and says in {log_of(folder)}: "
            f"{last.removeprefix('error: ')}"
        )
    _, records = read_run(folder)
    return f"seed {training.seed}  test  {figures_of(records[-1]['test'])}"
