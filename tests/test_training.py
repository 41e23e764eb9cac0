"""The training of a seed: in which parts, and where it stops; test_resume.py has the rest."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from experiments.configs import Config
from experiments.system.arguments import UsageError
from experiments.system.this_run import Run
from experiments.training import epochs
from experiments.training.epochs import check_finite, check_same, run_fields, segments
from mnist_sum.checkpoint import Checkpoint
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


def saved_run(**changes):
    """Give a checkpoint of a run with the default config, some of whose fields are changed."""
    fields = {**run_fields(Config(RECIPE)), **changes}
    fields = {name: value for name, value in fields.items() if value != "missing"}
    return Checkpoint(RECIPE, None, [{"epoch": 1}], fields, "9.8")


def test_a_field_that_a_checkpoint_does_not_know_takes_its_default():
    run = Run("base", Config(RECIPE), Path("run"), [], None)
    check_same(saved_run(held_out="missing"), run)
    with pytest.raises(UsageError, match=r"checkpoints/1 is of .*: held_out was 3 and is 0\.$"):
        check_same(saved_run(held_out=3), run)
    with pytest.raises(UsageError, match=r"was written by mnist_sum 9\.8 .*, as mixup is no field"):
        check_same(saved_run(mixup=0.5), run)


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
