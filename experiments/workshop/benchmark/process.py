"""The process of a turn: a module that does the job on its command line and prints its figures."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection

import numpy as np

from experiments.workshop.benchmark.quiet import Figures
from mnist_sum.data import Dataset, Splits
from mnist_sum.errors import UsageError, UserError


def ask(module: str, cores: Collection[int], job: Figures) -> Figures:
    """Have a module do a job in a process of its own, on some of the cores; returns its figures.

    Raises UsageError if it fails, or cannot do it.
    """
    folders = ("JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")  # of what is compiled
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # which the process inherits, before its libraries count them
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, json.dumps(job)],
            stdout=subprocess.PIPE,
            text=True,
            env=dict.fromkeys(folders, str(job["folder"])) | os.environ,
            start_new_session=True,  # or a terminal's Ctrl-C would reach it too
        )
    finally:
        os.sched_setaffinity(0, before)
    if done.returncode:
        raise UsageError(f"The process of {module} has failed; what it printed is above.")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    if "cannot" in figures:
        raise UsageError(figures["cannot"])
    return figures


def answer(measure: Callable[[Figures], Figures]) -> None:
    """Do the job on the command line; an error that the user can mend is an answer too."""
    try:
        figures = measure(json.loads(sys.argv[1]))
    except UserError as error:
        figures = {"cannot": str(error)}
    print(json.dumps(figures))


def keep_images(splits: Splits, folder: str) -> None:
    """Put the images where the processes find them."""
    for name, dataset in splits._asdict().items():
        np.savez(f"{folder}/{name}.npz", **dataset._asdict())


def load_images(job: Figures, platform: str) -> Splits:
    """Load the images, those to train on cut or repeated to as many as the job has there."""
    train, test = (Dataset(**np.load(f"{job['folder']}/{name}.npz")) for name in Splits._fields)
    count = job["images"].get(platform, len(train.digit))
    return Splits(
        Dataset(*(np.resize(column, (count, *column.shape[1:])) for column in train)), test
    )
