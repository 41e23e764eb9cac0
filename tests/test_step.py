"""One step of training."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp

from mnist_sum.learning import step as step_module
from mnist_sum.learning.batch import Batch
from mnist_sum.learning.loss import averages
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.state import create_state
from mnist_sum.learning.step import train_step
from tests.tiny import RECIPE, small_network, small_state


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


def test_several_numbers_are_what_a_batch_with_each_of_them_would_be(batch, monkeypatch):
    few, number = Batch(*(x[:2] for x in batch)), jnp.tile(jnp.arange(1, 9), (2, 1))
    images_and_digits = (jnp.repeat(x, 8, axis=0) for x in few[:2])
    repeated = Batch(*images_and_digits, number.ravel())  # a batch of 16, as it is compiled for
    one_by_one, _ = train_step(RECIPE, new_state(), repeated, jax.random.key(0))
    monkeypatch.setattr(step_module, "draw_batch", lambda *_: few._replace(number=number))
    step = jax.jit(partial(train_step.__wrapped__, RECIPE))
    together, totals = step(new_state(), few, jax.random.key(0))
    chex.assert_trees_all_close(together.params, one_by_one.params, rtol=1e-4, atol=1e-5)
    adders = (state.batch_stats["adder"] for state in (together, one_by_one))
    chex.assert_trees_all_close(*adders, rtol=1e-4, atol=1e-5)
    assert (totals["digit_loss"].size, totals["sum_loss"].size) == (2, 16)


def test_it_draws_what_the_recipe_leaves_to_chance_by_its_key(batch, monkeypatch):
    def show(variables, image, number, rngs, **_):
        given = {"image": image, "number": number, "bits": jax.random.key_data(rngs["dropout"])}
        return Outputs(jnp.zeros((16, 10)), jnp.zeros((16, 19))), {"batch_stats": given}

    network = SimpleNamespace(apply=show)  # leaves in the state what it is given
    monkeypatch.setattr(step_module, "make_model", lambda *_: network)
    recipe = dataclasses.replace(RECIPE, numbers="fresh", rotation=20.0)
    step = jax.jit(partial(train_step.__wrapped__, recipe))
    one, same, other = (
        step(new_state(), batch, jax.random.key(seed))[0].batch_stats for seed in (0, 0, 1)
    )
    chex.assert_trees_all_equal(one, same)
    for name, drawn in one.items():
        assert (drawn != other[name]).any(), name
        assert name == "bits" or (drawn != getattr(batch, name)).any(), name


def test_many_seeds_can_be_mapped_over(batch, monkeypatch):
    keys = jax.random.split(jax.random.key(0), 2)
    step = jax.vmap(partial(train_step, RECIPE), (0, None, 0))
    states = jax.eval_shape(jax.vmap(partial(create_state, RECIPE)), keys)
    after, totals = jax.eval_shape(step, states, batch, keys)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, states)
    assert totals["digit_loss"].sum.shape == (2,)
    monkeypatch.setattr(step_module, "make_model", small_network)
    states = jax.jit(jax.vmap(small_state))(keys)
    alone, _ = train_step(RECIPE, jax.tree.map(lambda x: x[1], states), batch, keys[1])
    states, _ = step(states, batch, keys)
    second = jax.tree.map(lambda x: x[1], states)
    chex.assert_trees_all_close(second, alone, rtol=1e-3, atol=1e-5)
