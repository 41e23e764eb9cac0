"""The records of runs, one an epoch: ours, and those of the original PyTorch system."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.configs import Config
from experiments.system import workdir
from mnist_sum.errors import UsageError

Records = list[dict[str, Any]]  # of a run: one an epoch

LAST_EPOCHS = 7  # averaged, as single epochs are noisy
ORIGINAL_LOG = Path(__file__).parents[1] / "results" / "original.jsonl"


def read_run(folder: Path) -> tuple[Config, Records]:
    config, metrics = workdir.read_config(folder), folder / workdir.METRICS
    try:
        records = read_records(metrics)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise UsageError(f"{metrics} is not that of a run ({reason}).") from None
    if len(records) != config.epochs:
        raise UsageError(f"The run {folder} has {len(records)} of {config.epochs} epochs.")
    return config, records


def read_records(path: Path) -> Records:
    """Read a JSON object a line; raises OSError and ValueError."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def original_records(config: Config) -> Records:
    """Read what the original logged in its one run, if a run of the config is comparable.

    That is one that learns from the same images and is tested on the same. The log, of accuracies
    alone and of one number for each test image, is from the output of the training cell in
    https://github.com/Code-Trees/END-GAME, Session_3/Session_3.ipynb.
    """
    is_like = config.dataset == "mnist" and config.train_examples is None and config.held_out == 0
    return read_records(ORIGINAL_LOG) if is_like else []


def last_accuracies(
    runs: Iterable[Records], accuracy: str, epochs: int = 1, split: str = "test"
) -> list[float]:
    return [mean(record[split][accuracy] for record in run[-epochs:]) for run in runs]
