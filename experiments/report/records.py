"""The records of a run: what it noted after each epoch."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.configs import Config
from experiments.system import workdir
from mnist_sum.errors import UsageError

Records = list[dict[str, Any]]  # of a run: one an epoch


def read_run(folder: Path) -> tuple[Config, Records]:
    """Read the config of a finished run and its record of every epoch."""
    try:
        config = workdir.read_config(folder)
        lines = (folder / workdir.METRICS).read_text().splitlines()
        records = [json.loads(line) for line in lines]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{folder} does not hold a run ({error}).") from None
    if len(records) != config.epochs:
        raise UsageError(f"The run {folder} has {len(records)} of {config.epochs} epochs.")
    return config, records


def training_seconds(run: Sequence[dict[str, Any]]) -> float:
    """Add up the seconds of a run's epochs, which are those of its training steps."""
    return sum(record["seconds"] for record in run)


def last_accuracies(
    runs: Iterable[Sequence[dict[str, Any]]], accuracy: str, epochs: int = 1
) -> list[float]:
    """Take a test accuracy of each run: its mean over the last so many epochs."""
    return [mean(record["test"][accuracy] for record in run[-epochs:]) for run in runs]
