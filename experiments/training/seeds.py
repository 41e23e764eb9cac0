"""Several seeds of one config, each trained in a process of its own; on a processor, many at once.

A step on small images cannot keep many cores busy: a seed on each takes less time than one seed
after the other on all.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.report.records import read_run
from experiments.system import workdir
from experiments.system.arguments import resume_command
from experiments.system.device import DeviceChoice, available_cores, own_cores
from experiments.training.progress import COMPILING, figures_of, new_bar
from mnist_sum.errors import UsageError

POLL_SECONDS = 0.2
KILL = 9  # not every system has it in `signal`
FIND_PLATFORM = "import jax; print(jax.default_backend())"
LOG = "MNIST_SUM_LOG"  # in the environment of a seed's process: the file with its output so far


class Training(NamedTuple):
    """A seed that is being trained, or has been; `part` is its log, until that has its name."""

    seed: int
    folder: Path
    process: subprocess.Popen
    part: Path
    cores: list[int]


def train_seeds(
    argv: Sequence[str], seeds: Sequence[int], folder: Path, epochs: int, device: DeviceChoice
) -> None:
    """Train each seed by the same command line, in a folder of its own beside which its log goes.

    Raises UsageError if one of them fails, once all have stopped.
    """
    folders = [folder / f"seed-{seed}" for seed in seeds]
    for log in (log_of(own) for own in folders if not own.exists()):
        if log.exists():
            raise UsageError(f"{log} is not of a run, and would be replaced; choose a --workdir.")
    waiting, running = list(seeds), list[Training]()
    free = share_cores(len(seeds), device)
    print(f"Seeds:   {seeds[0]} .. {seeds[-1]}, {len(free)} at a time")
    print(f"Results: {folder}\n{COMPILING}", flush=True)
    bar = new_bar(epochs * len(seeds), f"seeds {seeds[0]} .. {seeds[-1]}", "epochs")
    try:
        while waiting or running:
            while waiting and free:
                running.append(start(argv, waiting.pop(0), folder, free.pop()))
            bar.update(sum(map(workdir.count_epochs, folders)) - bar.n)
            time.sleep(POLL_SECONDS)
            for training in [t for t in running if t.process.poll() is not None]:
                bar.write(outcome(training, resume_command(argv, folder)), file=sys.stdout)
                sys.stdout.flush()
                running.remove(training)
                free.append(training.cores)
                end(training)
    finally:
        bar.close()
        for training in running:
            training.process.terminate()
        for training in running:
            end(training)


def share_cores(seeds: int, device: DeviceChoice) -> list[list[int]]:
    """Divide the processor's cores among as many seeds as can train at once; a GPU takes one."""
    cores = own_cores()
    if not cores or not is_for_processor(device):  # macOS cannot bind a process to a core
        return [cores]
    parts = min(seeds, available_cores())
    return [cores[part::parts] for part in range(parts)]


def is_for_processor(device: DeviceChoice) -> bool:
    """Whether a run would compute on a processor; another process looks, and opens the GPU."""
    if device != "auto":
        return device == "cpu"
    found = subprocess.run([sys.executable, "-c", FIND_PLATFORM], capture_output=True, text=True)
    return found.stdout.strip() == "cpu"


def start(argv: Sequence[str], seed: int, folder: Path, cores: list[int]) -> Training:
    own_folder, part = folder / f"seed-{seed}", folder / f".seed-{seed}-{os.getpid()}.log"
    own = ("--seeds", "1", "--seed", str(seed), "--workdir", str(own_folder))
    variables = {**os.environ, LOG: str(part), "PYTHONIOENCODING": "utf-8"}
    if cores and "JAX_NUM_CPU_DEVICES" not in os.environ:  # a quota may be less than all cores
        share = available_cores() * len(cores) // len(own_cores())
        variables["JAX_NUM_CPU_DEVICES"] = str(max(1, share))
    workdir.write(part, "")  # raises UsageError if it cannot
    with part.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments.run", *argv, *own],
            env=variables,
            stdin=subprocess.PIPE,  # which the system closes when this process ends
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # or a terminal's Ctrl-C would reach it twice
        )
    if cores:
        os.sched_setaffinity(process.pid, cores)
    return Training(seed, own_folder, process, part, cores)


def end_with_parent() -> None:
    """Watch, in a process that trains a seed, for the end of the one that has started it."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)  # returns when the other end closes
        os._exit(1)

    if LOG in os.environ:
        threading.Thread(target=watch, daemon=True).start()


def keep_log(folder: Path) -> None:
    """Give the log of a seed its name: once its folder is held, as there may be one of a run."""
    if LOG in os.environ:
        Path(os.environ.pop(LOG)).replace(log_of(folder))


def log_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def outcome(training: Training, go_on: str) -> str:
    """Say what a seed has reached; raises UsageError if its training has failed."""
    seed, folder, process, part, _ = training
    code = process.returncode
    if code < 0 or code > 128:  # as Python has it, and as a process says that catches the signal
        number = abs(code) % 128
        why = ", often for want of memory" if number == KILL else ""
        raise UsageError(f"Seed {seed} was killed by signal {number}{why}; go on with: {go_on}")
    if code:
        where, log = ("", part) if part.exists() else (f" in {log_of(folder)}", log_of(folder))
        last = ["nothing", *log.read_text("utf-8", errors="replace").splitlines()][-1]
        raise UsageError(f"Seed {seed} has failed, and says{where}: {last.removeprefix('error: ')}")
    _, records = read_run(folder)
    return f"seed {seed}  test  {figures_of(records[-1]['test'])}"


def end(training: Training) -> None:
    """Wait for a seed's process, and remove its log if that has not been given its name."""
    training.process.wait()
    training.part.unlink(missing_ok=True)
