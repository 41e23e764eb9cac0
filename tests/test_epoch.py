"""An epoch: what a part of it and the whole of it do."""

import dataclasses

import chex
import jax
import pytest

from mnist_sum.data import Dataset
from mnist_sum.errors import RecipeError
from mnist_sum.learning import epoch as epoch_module
from mnist_sum.learning.epoch import (
    begin_epoch,
    count_steps,
    parts_of,
    take_steps,
    train_epoch,
    zero_tally,
)
from mnist_sum.learning.state import create_state
from tests.tiny import EXAMPLES, RECIPE, small_step


def new_state():
    return create_state(RECIPE, jax.random.key(1))


def test_seeds_lengths_and_some_steps_share_a_program_and_some_steps_give_the_bits_of_all(
    dataset, monkeypatch
):
    monkeypatch.setattr(epoch_module, "train_step", small_step)
    recipe = dataclasses.replace(RECIPE, schedule="one_cycle")
    chex.clear_trace_counter()
    steps = jax.jit(chex.assert_max_traces(take_steps, n=1), static_argnums=(0, 1))

    def run(seed, total_steps, *parts):
        key = jax.random.key(seed)
        epoch = begin_epoch(key, EXAMPLES)
        carry = create_state(recipe, key, total_steps), zero_tally()
        for bounds in parts:
            carry = steps(recipe, RECIPE.batch_size, *carry, dataset, epoch, bounds)
        return carry

    whole, *others = (run(*of_run, (0, 3)) for of_run in ((1, 6), (2, 6), (1, 60)))
    chex.assert_trees_all_equal(whole, run(1, 6, (0, 1), (1, 2), (2, 3)))
    assert whole[1].finite_steps == 3
    biases = {float(state.params["adder"]["dense4"]["bias"][0]) for state, _ in (whole, *others)}
    assert len(biases) == 3


def test_an_epoch_sees_every_image_once_by_its_key_and_leaves_the_state_it_was_given(dataset):
    before = new_state()
    (state, totals), *again, (other, _) = (
        train_epoch(RECIPE, before, dataset, jax.random.key(k)) for k in (0, 0, 1)
    )
    chex.assert_trees_all_equal(before, new_state())  # not donated
    chex.assert_trees_all_equal([(state, totals)], again)
    kernels = (x.params["encoder"]["conv8"]["kernel"] for x in (state, other))
    assert (next(kernels) != next(kernels)).any()
    assert state.step == count_steps(RECIPE, EXAMPLES) == 3
    assert totals["digit_loss"].size == totals["sum_loss"].size == EXAMPLES
    order = begin_epoch(jax.random.key(0), EXAMPLES).order
    assert sorted(order.tolist()) == list(range(EXAMPLES))
    assert (order != begin_epoch(jax.random.key(1), EXAMPLES).order).any()


def test_a_short_batch_is_trained_on_as_well(dataset, monkeypatch):
    monkeypatch.setattr(epoch_module, "train_step", small_step)  # two real ones compile long
    part, recipe = Dataset(*(x[:26] for x in dataset)), dataclasses.replace(RECIPE, momentum=0.5)
    state, totals = train_epoch(recipe, new_state(), part, jax.random.key(0))
    assert state.step == count_steps(recipe, 26) == 2
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
