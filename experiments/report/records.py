"""The records of runs, one an epoch: ours, and those of the original PyTorch system."""

import json
from collections.abc import Iterable
from math import floor, log10
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.configs import Config
from experiments.system import workdir
from mnist_sum.errors import UsageError

Records = list[dict[str, Any]]  # of a run: one an epoch

LAST_EPOCHS = 7  # averaged, as single epochs are noisy
MOST_DECIMALS = (
    2  # of an accuracy in percent: of ten seeds of 10,000 images, a third would be noise
)
ORIGINAL_LOG = Path(__file__).parents[1] / "results" / "original.jsonl"


def read_run(folder: Path) -> tuple[Config, Records]:
    """Read the config of a finished run and its record of every epoch."""
    try:
        config = workdir.read_config(folder)
        records = read_records(folder / workdir.METRICS)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{folder} does not hold a run ({error}).") from None
    if len(records) != config.epochs:
        raise UsageError(f"The run {folder} has {len(records)} of {config.epochs} epochs.")
    return config, records


def read_records(path: Path) -> Records:
    """Read a JSON object a line; raises OSError and ValueError."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def original_records() -> Records:
    """Read what the original logged in its one run: accuracies of 25 epochs, and no losses.

    From the output of its training cell, in https://github.com/Code-Trees/END-GAME,
    Session_3/Session_3.ipynb. It paired each test image with one number, where we take all ten.
    """
    return read_records(ORIGINAL_LOG)


def is_like_original(config: Config) -> bool:
    """Tell whether a run learns from the same images as the original, and is tested on the same."""
    return config.dataset == "mnist" and config.train_examples is None and config.held_out == 0


def training_seconds(run: Records) -> float:
    """Add up the seconds of a run's epochs, which are those of its training steps."""
    return sum(record["seconds"] for record in run)


def last_accuracies(runs: Iterable[Records], accuracy: str, epochs: int = 1) -> list[float]:
    """Take a test accuracy of each run: its mean over the last so many epochs."""
    return [mean(record["test"][accuracy] for record in run[-epochs:]) for run in runs]


def count_decimals(std: float, seeds: int) -> int:
    """Count the decimals that the mean of an accuracy over seeds bears, in percent.

    The last is the first that its standard error reaches; `std` is a fraction, as accuracies are.
    """
    if std == 0:
        return MOST_DECIMALS
    standard_error = 100 * std / seeds**0.5
    return min(max(-floor(log10(standard_error)), 0), MOST_DECIMALS)
