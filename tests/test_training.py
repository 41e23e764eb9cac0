"""The training of a seed: in which parts, and where it stops; test_resume.py has the rest."""

import jax
import jax.numpy as jnp
import pytest

from experiments.configs import Config
from experiments.system.arguments import UsageError
from experiments.training import epochs
from experiments.training.epochs import check_finite, segments
from mnist_sum.data import Dataset, Splits
from mnist_sum.loss import zero_totals
from mnist_sum.state import create_state
from mnist_sum.train import add_step, zero_tally
from tests.tiny import RECIPE


def test_segments_cover_all_steps_once():
    assert list(segments(10, 1)) == [(0, 10)]
    assert list(segments(10, 3)) == [(0, 3), (3, 6), (6, 10)]
    assert list(segments(2, 5)) == [(0, 1), (1, 2)]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["digit_loss", "sum_loss"])
def test_the_first_step_whose_loss_is_not_finite_is_found(name, wrong):
    tally = zero_tally()
    for value in (1.0, 2.0, wrong, 3.0, wrong):
        step = zero_totals()._replace(**{name: jnp.array(value)})
        tally = add_step(tally, step)
    check_finite(tally, epoch=7, steps=2)
    with pytest.raises(UsageError, match="no longer finite after step 3 of epoch 7"):
        check_finite(tally, epoch=7, steps=5)


class BegunError(Exception):
    """Raised in the place of an epoch."""


def test_no_two_epochs_share_a_key(monkeypatch):
    keys = []

    def begin(key, examples):
        keys.append(tuple(jax.random.key_data(key).tolist()))
        raise BegunError

    monkeypatch.setattr(epochs, "begin_epoch", begin)
    splits = Splits(*(Dataset(image=None, digit=[0] * 4, number=None) for _ in range(2)))
    training = epochs.Training(Config(RECIPE), splits, None, jax.random.key(0))
    state = create_state(RECIPE, jax.random.key(0))
    for epoch in range(1, 6):
        with pytest.raises(BegunError):
            epochs.run_epoch(state, training, epoch)
    assert len(set(keys)) == 5
