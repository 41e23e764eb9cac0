"""An epoch: what a part of it and the whole of it do."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.data import Dataset
from mnist_sum.errors import RecipeError
from mnist_sum.learning.epoch import (
    begin_epoch,
    count_steps,
    parts_of,
    take_steps,
    train_epoch,
    zero_tally,
)
from mnist_sum.learning.state import create_state
from tests.tiny import EXAMPLES, RECIPE

SIZE = RECIPE.batch_size


def new_state(recipe=RECIPE):
    return create_state(recipe, jax.random.key(1))


def traced_once():
    chex.clear_trace_counter()
    return jax.jit(chex.assert_max_traces(take_steps, n=1), static_argnums=(0, 1))


def test_some_steps_are_the_program_of_all_and_give_the_same_bits(dataset):
    steps = traced_once()
    epoch = begin_epoch(jax.random.key(5), EXAMPLES)
    whole = steps(RECIPE, SIZE, new_state(), zero_tally(), dataset, epoch, (0, 3))
    one_by_one = new_state(), zero_tally()
    for bounds in ((0, 1), (1, 2), (2, 3)):
        one_by_one = steps(RECIPE, SIZE, *one_by_one, dataset, epoch, bounds)
    chex.assert_trees_all_equal(whole, one_by_one)
    assert whole[1].finite_steps == 3


def test_another_seed_and_another_length_of_the_run_compile_nothing_new(dataset):
    recipe = dataclasses.replace(RECIPE, schedule="one_cycle")
    steps = traced_once()
    rates = []
    for seed, total_steps in ((1, 6), (2, 6), (1, 60)):
        state = create_state(recipe, jax.random.key(seed), total_steps)
        epoch = begin_epoch(jax.random.key(seed), EXAMPLES)
        after, _ = steps(recipe, SIZE, state, zero_tally(), dataset, epoch, (0, 3))
        moved = jax.tree.map(lambda x, y: jnp.abs(x - y).sum(), after.params, state.params)
        rates.append(float(sum(jax.tree.leaves(moved))))
    assert len(set(rates)) == 3


def test_an_epoch_sees_every_image_once_and_leaves_the_state_it_was_given(dataset):
    before = new_state()
    state, totals = train_epoch(RECIPE, before, dataset, jax.random.key(0))
    chex.assert_trees_all_equal(before, new_state())  # not donated
    assert state.step == count_steps(RECIPE, EXAMPLES) == 3
    assert totals["digit_loss"].size == totals["sum_loss"].size == EXAMPLES
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


def test_a_short_batch_is_trained_on_as_well(dataset):
    part = Dataset(*(x[:26] for x in dataset))
    state, totals = train_epoch(RECIPE, new_state(), part, jax.random.key(0))
    assert state.step == count_steps(RECIPE, 26) == 2
    assert totals["digit_loss"].size == 26


@pytest.mark.long
def test_without_jit_an_epoch_is_the_same(dataset):
    part = Dataset(*(x[:10] for x in dataset))
    compiled = train_epoch(RECIPE, new_state(), part, jax.random.key(0))
    with jax.disable_jit():
        plain = train_epoch(RECIPE, new_state(), part, jax.random.key(0))
    chex.assert_trees_all_close(plain, compiled, rtol=1e-3, atol=1e-5)


def test_the_parts_of_an_epoch():
    assert parts_of(RECIPE, 48) == [(16, 0, 3)]
    assert parts_of(RECIPE, 26) == [(16, 0, 1), (10, 1, 2)]
    assert parts_of(RECIPE, 10) == [(10, 0, 1)]
    with pytest.raises(RecipeError, match="leaves a last batch of one image out of 33"):
        parts_of(RECIPE, 33)
