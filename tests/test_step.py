"""One step of training."""

import dataclasses

import chex
import jax
import jax.numpy as jnp

from mnist_sum.learning.batch import Batch
from mnist_sum.learning.loss import averages
from mnist_sum.learning.state import create_state
from mnist_sum.learning.step import train_step
from tests.tiny import RECIPE


def new_state(recipe=RECIPE):
    return create_state(recipe, jax.random.key(1))


def test_a_tiny_batch_is_learnt_by_heart_in_one_trace(batch):
    programs, state = train_step._cache_size(), new_state()
    for seed in range(60):
        state, totals = train_step(RECIPE, state, batch, jax.random.key(seed))
    assert train_step._cache_size() <= programs + 1  # another test may have compiled it
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
    assert (totals["digit_loss"].size, totals["sum_loss"].size) == (size, 10 * size)


def test_it_draws_what_the_recipe_leaves_to_chance_by_its_key(batch):
    recipe = dataclasses.replace(RECIPE, numbers="fresh", rotation=20.0)
    one, same, other = (
        train_step(recipe, new_state(), batch, jax.random.key(seed))[1] for seed in (0, 0, 1)
    )
    chex.assert_trees_all_equal(one, same)
    assert one["digit_loss"].sum != other["digit_loss"].sum  # distorted in another way


def test_many_seeds_can_be_mapped_over_and_averaged(batch):
    keys = jax.random.split(jax.random.key(0), 2)
    states = jax.vmap(lambda key: create_state(RECIPE, key))(keys)
    states, _ = jax.vmap(train_step, (None, 0, None, 0))(RECIPE, states, batch, keys)
    alone, _ = train_step(RECIPE, create_state(RECIPE, keys[1]), batch, keys[1])
    second = jax.tree.map(lambda x: x[1], states)
    chex.assert_trees_all_close(second, alone, rtol=1e-3, atol=1e-5)
    mean = jax.tree.map(lambda x: x.mean(0), states.params)
    chex.assert_trees_all_equal_structs(mean, alone.params)
