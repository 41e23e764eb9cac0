"""Training: what one step, a part of an epoch and a whole epoch do."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.data import Dataset
from mnist_sum.errors import RecipeError
from mnist_sum.learning.batch import Batch
from mnist_sum.learning.loss import averages
from mnist_sum.learning.state import create_state
from mnist_sum.learning.train import (
    begin_epoch,
    count_steps,
    train_epoch,
    train_step,
    train_steps,
    zero_tally,
)
from tests.tiny import EXAMPLES, RECIPE


def new_state(recipe=RECIPE):
    return create_state(recipe, jax.random.key(1))


def test_a_tiny_batch_is_learnt_by_heart_in_one_trace(batch):
    chex.clear_trace_counter()
    step = jax.jit(chex.assert_max_traces(train_step.__wrapped__, n=1), static_argnums=0)
    state = new_state()
    for seed in range(60):
        state, totals = step(RECIPE, state, batch, jax.random.key(seed))
    assert state.step == 60
    result = averages(totals)
    assert result["digit_accuracy"] == result["sum_accuracy"] == 1.0
    assert result["digit_loss"] < 0.1
    assert result["sum_loss"] < 0.1


def test_all_numbers_are_what_a_batch_with_each_of_them_would_be(batch):
    recipe = dataclasses.replace(RECIPE, numbers="all")
    together, totals = train_step(recipe, new_state(recipe), batch, jax.random.key(0))
    size = len(batch.digit)
    repeated = Batch(
        jnp.repeat(batch.image, 10, axis=0),
        jnp.repeat(batch.digit, 10),
        jnp.tile(jnp.arange(10), size),
    )
    one_by_one, _ = train_step(RECIPE, new_state(), repeated, jax.random.key(0))
    chex.assert_trees_all_close(together.params, one_by_one.params, rtol=1e-4, atol=1e-5)
    adders = (state.batch_stats["adder"] for state in (together, one_by_one))
    chex.assert_trees_all_close(*adders, rtol=1e-4, atol=1e-5)
    assert (totals.digit_count, totals.sum_count) == (size, 10 * size)


def test_parts_of_an_epoch_are_one_program_and_give_the_bits_of_the_whole(dataset):
    chex.clear_trace_counter()
    steps = jax.jit(
        chex.assert_max_traces(train_steps.__wrapped__, n=1),
        static_argnums=0,
        donate_argnames=("state", "tally"),
    )
    epoch = begin_epoch(jax.random.key(5), EXAMPLES)
    whole = steps(RECIPE, new_state(), zero_tally(), dataset, epoch, (0, 3))
    parts = new_state(), zero_tally()
    for bounds in ((0, 1), (1, 2), (2, 3)):
        parts = steps(RECIPE, *parts, dataset, epoch, bounds)
    chex.assert_trees_all_equal(whole, parts)


def test_another_seed_and_another_length_of_the_run_compile_nothing_new(dataset):
    chex.clear_trace_counter()
    recipe = dataclasses.replace(RECIPE, schedule="one_cycle")
    steps = jax.jit(chex.assert_max_traces(train_steps.__wrapped__, n=1), static_argnums=0)
    rates = []
    for seed, total_steps in ((1, 6), (2, 6), (1, 60)):
        state = create_state(recipe, jax.random.key(seed), total_steps)
        epoch = begin_epoch(jax.random.key(seed), EXAMPLES)
        after, _ = steps(recipe, state, zero_tally(), dataset, epoch, (0, 3))
        moved = jax.tree.map(lambda x, y: jnp.abs(x - y).sum(), after.params, state.params)
        rates.append(float(sum(jax.tree.leaves(moved))))
    assert len(set(rates)) == 3


def test_states_of_two_seeds_can_be_averaged():
    one, other = new_state(), create_state(RECIPE, jax.random.key(2))
    mean = jax.tree.map(lambda x, y: (x + y) / 2, one, other)
    kernels = (state.params["encoder"]["conv8"]["kernel"] for state in (mean, one, other))
    mean_kernel, one_kernel, other_kernel = kernels
    chex.assert_trees_all_close(2 * mean_kernel - one_kernel, other_kernel, atol=1e-6)


def test_an_epoch_sees_every_image_once(dataset):
    state, totals = train_epoch(RECIPE, new_state(), dataset, jax.random.key(0))
    assert state.step == count_steps(RECIPE, EXAMPLES) == 3
    assert totals.digit_count == totals.sum_count == EXAMPLES
    order = begin_epoch(jax.random.key(0), EXAMPLES).order
    assert sorted(order.tolist()) == list(range(EXAMPLES))
    assert (order != begin_epoch(jax.random.key(1), EXAMPLES).order).any()


def test_an_epoch_is_decided_by_its_key(dataset):
    one, same, other = (
        train_epoch(RECIPE, new_state(), dataset, jax.random.key(k))[0] for k in (1, 1, 2)
    )
    chex.assert_trees_all_equal(one, same)
    kernels = (state.params["encoder"]["conv8"]["kernel"] for state in (one, other))
    assert (next(kernels) != next(kernels)).any()


@pytest.mark.parametrize("examples", [10, 26])
def test_a_short_batch_is_trained_on_as_well(dataset, examples):
    part = Dataset(*(x[:examples] for x in dataset))
    state, totals = train_epoch(RECIPE, new_state(), part, jax.random.key(0))
    assert state.step == count_steps(RECIPE, examples)
    assert totals.digit_count == examples


def test_a_last_batch_of_one_image_is_refused():
    with pytest.raises(RecipeError, match="leaves a last batch of one image out of 33"):
        count_steps(RECIPE, 33)
    assert count_steps(RECIPE, 32) == 2
    assert count_steps(RECIPE, 34) == 3
