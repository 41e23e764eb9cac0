"""The state: what it starts from."""

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.errors import RecipeError
from mnist_sum.learning.state import create_state, learning_rate, optimizer
from mnist_sum.recipe import Recipe
from tests.tiny import RECIPE


def test_it_starts_from_step_zero_without_momentum():
    state = create_state(RECIPE, jax.random.key(0))
    assert state.step == 0
    assert state.total_steps == 0
    assert all((x == 0).all() for x in jax.tree.leaves(state.opt_state))
    assert sum(x.size for x in jax.tree.leaves(state.opt_state)) == 21_843


def test_its_weights_are_those_of_the_key():
    one, same, other = (create_state(RECIPE, jax.random.key(seed)) for seed in (0, 0, 1))
    chex.assert_trees_all_equal(one, same)
    for a, b in zip(
        jax.tree.leaves(one.params["encoder"]["conv8"]),
        jax.tree.leaves(other.params["encoder"]["conv8"]),
        strict=True,
    ):
        assert (a != b).all()


def test_a_schedule_rises_to_the_learning_rate_and_falls_to_nothing():
    recipe = Recipe(schedule="one_cycle", learning_rate=0.2, warmup=0.25)
    rate = learning_rate(recipe, 100)
    rates = [float(rate(step)) for step in range(101)]
    assert rates.index(max(rates)) == 25
    assert max(rates) == pytest.approx(0.2)
    assert rates[0] == pytest.approx(0.2 / 25)
    assert rates[100] < 1e-4
    assert learning_rate(Recipe(), 100) == 0.01


def test_a_schedule_needs_to_know_its_length():
    with pytest.raises(RecipeError, match="'one_cycle' and needs the total_steps"):
        create_state(Recipe(schedule="one_cycle"), jax.random.key(0))


def test_weights_decay_but_not_biases_and_scales():
    recipe = Recipe(learning_rate=1.0, momentum=0.0, weight_decay=0.5)
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    zeros = jax.tree.map(jnp.zeros_like, params)
    sgd = optimizer(recipe, 0)
    updates, _ = sgd.update(zeros, sgd.init(params), params)
    assert (updates["kernel"] == -0.5).all()
    assert (updates["bias"] == 0.0).all()
