"""What a run is, for those who train it and those who report on it."""

from pathlib import Path
from typing import NamedTuple

import jax
from jax.sharding import Mesh

from experiments.configs import Config
from experiments.system.arguments import ConfigOptions
from mnist_sum.data import Dataset, Splits, load
from mnist_sum.errors import RecipeError
from mnist_sum.learning.epoch import count_steps
from mnist_sum.learning.sharding import data_mesh


class Run(NamedTuple):
    """A config, where its results go, and what it computes on."""

    name: str
    config: Config
    folder: Path
    devices: list[jax.Device]
    splits: Splits
    """What to train on, and what to test on; on the host, or replicated over the mesh."""

    @property
    def mesh(self) -> Mesh:
        """The devices along the one axis over which batches are split."""
        return data_mesh(self.devices)


def load_splits(options: ConfigOptions) -> Splits:
    """Load the images that a config trains on, and those that it is tested on or holds out."""
    config = options.config
    train, test = load(config.dataset, options.data.data_dir, options.data.manual_dir)
    train = Dataset(*(x[: config.train_examples] for x in train))
    if config.held_out:
        rest = len(train.digit) - config.held_out
        if rest < 2:
            images = f"{len(train.digit)} images"
            raise RecipeError(f"held_out is {config.held_out} and must leave 2 of {images}.")
        test = Dataset(*(x[rest:] for x in train))
        train = Dataset(*(x[:rest] for x in train))
    count_steps(config.recipe, len(train.digit))  # raises for a last batch of one image
    return Splits(train, test)
