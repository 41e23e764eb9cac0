"""Checkpoints: what is restored is what was saved, bit for bit."""

import chex
import jax
import pytest

from mnist_sum.checkpoint import KEEP, open_checkpoints, restore_latest, save
from mnist_sum.config import Config
from mnist_sum.state import create_state


@pytest.fixture(scope="module")
def states():
    return [create_state(Config(), jax.random.key(seed)) for seed in range(4)]


def test_the_latest_state_comes_back_with_its_records(tmp_path, states):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        for epoch, state in enumerate(states, start=1):
            save(checkpoints, epoch, state, [{"epoch": epoch, "seconds": 0.1}])
        assert len(checkpoints.all_steps()) == KEEP
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        restored, records = restore_latest(checkpoints, states[0])
    chex.assert_trees_all_equal(restored, states[-1])
    assert records == [{"epoch": 4, "seconds": 0.1}]
