"""Several seeds of one config, each trained in a process of its own; on a processor, many at once.

A step on small images cannot keep many cores busy: a seed on each core is faster.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.system import workdir
from experiments.system.arguments import resume_command
from experiments.system.device import DeviceChoice, available_cores, own_cores
from experiments.training.progress import COMPILING, figures_of, new_bar
from mnist_sum.errors import UsageError
from mnist_sum.outputs import MARK, check_output
from mnist_sum.version import VERSION

POLL_SECONDS = 0.2
FIND_PLATFORM = "import jax; print(jax.default_backend())"
SEED = "MNIST_SUM_SEED"  # in the environment of a seed's process


def train_seeds(
    argv: Sequence[str], seeds: Sequence[int], folder: Path, epochs: int, device: DeviceChoice
) -> None:
    """Train each seed by the same command line, in a folder of its own beside which its log goes.

    Raises UsageError if one of them fails, once all have stopped.
    """
    folders = [folder / f"seed-{seed}" for seed in seeds]
    for own in folders:
        check_output(own.with_suffix(".log"), mark=MARK)
    waiting = list(zip(seeds, folders, strict=True))
    running: dict[subprocess.Popen, tuple[int, Path, list[int]]] = {}
    free = share_cores(len(seeds), device)
    print(f"Seeds:   {seeds[0]} .. {seeds[-1]}, {len(free)} at a time")
    print(f"Results: {folder}\n{COMPILING}", flush=True)
    bar = new_bar(epochs * len(seeds), f"seeds {seeds[0]} .. {seeds[-1]}", "epochs")
    try:
        while waiting or running:
            while waiting and free:
                (seed, own), cores = waiting.pop(0), free.pop()
                running[start(argv, seed, own, cores)] = seed, own, cores
            bar.update(sum(map(workdir.count_epochs, folders)) - bar.n)
            time.sleep(POLL_SECONDS)
            for process in [x for x in running if x.poll() is not None]:
                seed, own, cores = running.pop(process)
                result = outcome(seed, own, process.returncode, resume_command(argv, folder))
                bar.write(result, file=sys.stdout)
                sys.stdout.flush()
                free.append(cores)
    finally:
        bar.close()
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


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


def start(argv: Sequence[str], seed: int, folder: Path, cores: list[int]) -> subprocess.Popen:
    own = ("--seeds", "1", "--seed", str(seed), "--workdir", str(folder))
    variables = {**os.environ, SEED: str(seed), "PYTHONIOENCODING": "utf-8"}
    if cores:  # a quota may be less than all cores
        share = max(1, available_cores() * len(cores) // len(own_cores()))
        variables.setdefault("JAX_NUM_CPU_DEVICES", str(share))
    with folder.with_suffix(".log").open("ab", buffering=0) as log:
        log.write(b"%s %s\n" % (MARK, VERSION.encode()))
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
    return process


def end_with_parent() -> None:
    """Watch, in a process that trains a seed, for the end of the one that has started it."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)  # returns when the other end closes
        os._exit(1)

    if SEED in os.environ:
        threading.Thread(target=watch, daemon=True).start()


def outcome(seed: int, folder: Path, code: int, go_on: str) -> str:
    """Say what a seed has reached; raises UsageError if its training has failed."""
    log = folder.with_suffix(".log")
    if code < 0 or code > 128:  # as Python has it, and as a process says that catches the signal
        number = abs(code) % 128
        why = ", often for lack of memory" if number == 9 else ""  # SIGKILL
        raise UsageError(f"Seed {seed} was killed by signal {number}{why}; go on with: {go_on}")
    if code:
        why = log.read_text("utf-8", errors="replace").splitlines()[-1].removeprefix("error: ")
        raise UsageError(f"Seed {seed} failed; {log} ends with: {why}")
    _, records = workdir.read_run(folder)
    return f"seed {seed}  test  {figures_of(records[-1]['test'])}"
