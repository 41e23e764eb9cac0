"""What a run is, for those who train it and those who report on it."""

from pathlib import Path
from typing import NamedTuple

import jax

from experiments.configs import Config
from mnist_sum.data import Splits


class Run(NamedTuple):
    """A config, where its results go, and what it computes on."""

    name: str
    config: Config
    folder: Path
    devices: list[jax.Device]
    splits: Splits
    """On the host: what to train on, and what to test on."""
