"""Training: what one step, a part of an epoch and a whole epoch do."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.batch import Batch
from mnist_sum.config import ConfigError
from mnist_sum.data import Dataset
from mnist_sum.loss import averages, zero_totals
from mnist_sum.state import create_state
from mnist_sum.train import begin_epoch, count_steps, train_epoch, train_step, train_steps
from tests.tiny import CONFIG, EXAMPLES


def new_state(config=CONFIG):
    return create_state(config, jax.random.key(config.seed))


def test_a_tiny_batch_is_learnt_by_heart_in_one_trace(batch):
    chex.clear_trace_counter()
    step = jax.jit(chex.assert_max_traces(train_step.__wrapped__, n=1))
    state = new_state()
    for seed in range(60):
        state, totals = step(state, batch, jax.random.key(seed))
    assert state.step == 60
    result = averages(totals)
    assert result["digit_accuracy"] == result["sum_accuracy"] == 1.0
    assert result["digit_loss"] < 0.1
    assert result["sum_loss"] < 0.1


def test_all_numbers_are_what_a_batch_with_each_of_them_would_be(batch):
    config = dataclasses.replace(CONFIG, numbers="all")
    together, totals = train_step(new_state(config), batch, jax.random.key(0))
    size = len(batch.digit)
    repeated = Batch(
        jnp.repeat(batch.image, 10, axis=0),
        jnp.repeat(batch.digit, 10),
        jnp.tile(jnp.arange(10), size),
    )
    one_by_one, _ = train_step(new_state(), repeated, jax.random.key(0))
    chex.assert_trees_all_close(together.params, one_by_one.params, rtol=1e-4, atol=1e-5)
    adders = (state.batch_stats["adder"] for state in (together, one_by_one))
    chex.assert_trees_all_close(*adders, rtol=1e-4, atol=1e-5)
    assert (totals.digit_count, totals.sum_count) == (size, 10 * size)


def test_parts_of_an_epoch_are_one_program_and_give_the_bits_of_the_whole(dataset):
    chex.clear_trace_counter()
    steps = jax.jit(
        chex.assert_max_traces(train_steps.__wrapped__, n=1), donate_argnames=("state", "totals")
    )
    epoch = begin_epoch(jax.random.key(5), EXAMPLES)
    whole = steps(new_state(), zero_totals(), dataset, epoch, 0, 3)
    parts = new_state(), zero_totals()
    for start, stop in ((0, 1), (1, 2), (2, 3)):
        parts = steps(*parts, dataset, epoch, start, stop)
    chex.assert_trees_all_equal(whole, parts)


def test_an_epoch_sees_every_image_once(dataset):
    state, totals = train_epoch(new_state(), dataset, jax.random.key(0))
    assert state.step == count_steps(CONFIG, EXAMPLES) == 3
    assert totals.digit_count == totals.sum_count == EXAMPLES
    order = begin_epoch(jax.random.key(0), EXAMPLES).order
    assert sorted(order.tolist()) == list(range(EXAMPLES))
    assert (order != begin_epoch(jax.random.key(1), EXAMPLES).order).any()


def test_an_epoch_is_decided_by_its_key(dataset):
    one, same, other = (train_epoch(new_state(), dataset, jax.random.key(k))[0] for k in (1, 1, 2))
    chex.assert_trees_all_equal(one, same)
    kernels = (state.params["encoder"]["conv8"]["kernel"] for state in (one, other))
    assert (next(kernels) != next(kernels)).any()


@pytest.mark.parametrize("examples", [10, 26])
def test_a_short_batch_is_trained_on_as_well(dataset, examples):
    part = Dataset(*(x[:examples] for x in dataset))
    state, totals = train_epoch(new_state(), part, jax.random.key(0))
    assert state.step == count_steps(CONFIG, examples)
    assert totals.digit_count == examples


def test_a_last_batch_of_one_image_is_refused():
    with pytest.raises(ConfigError, match="leaves a last batch of one image out of 33"):
        count_steps(CONFIG, 33)
    assert count_steps(CONFIG, 32) == 2
    assert count_steps(CONFIG, 34) == 3
