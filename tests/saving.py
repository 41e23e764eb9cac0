"""Four states and their checkpoints, which tests restore, damage and edit."""

import shutil

import jax
import jax.numpy as jnp
import pytest

from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, restore_latest, save
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

# Where one array cannot be read, the reads of others still call back when Orbax is done.
ignore_late_reads = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

RECIPE = Recipe(learning_rate=0.1, schedule="one_cycle")
RUN = {"dataset": "sample", "seed": 3}


def checkpoint(state, records):
    return Checkpoint(RECIPE, state, records, RUN)


def records_to(epoch):
    return [{"epoch": e, "seconds": 0.1} for e in range(1, epoch + 1)]


@pytest.fixture(scope="module")
def states():
    """Make states that differ in all of their parts."""
    states = [create_state(RECIPE, jax.random.key(seed), 70) for seed in range(4)]
    return [
        state.replace(
            step=jnp.asarray(7 * i),
            opt_state=jax.tree.map(lambda x, i=i: x + i, state.opt_state),
            batch_stats=jax.tree.map(lambda x, i=i: x + i, state.batch_stats),
        )
        for i, state in enumerate(states, start=1)
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory, states):
    """Save them, once for this module."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoints"
    with open_checkpoints(folder) as checkpoints:
        for epoch, state in enumerate(states, start=1):
            save(checkpoints, epoch, checkpoint(state, records_to(epoch)))
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """Copy them, to be damaged."""
    return shutil.copytree(saved, tmp_path / "checkpoints")


def restore(folder):
    with open_checkpoints(folder) as checkpoints:
        return restore_latest(checkpoints)
