"""The state: what it starts from, and how it follows gradients."""

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.errors import InputError, RecipeError
from mnist_sum.learning.state import TrainState, create_state, follow, learning_rate, optimizer
from mnist_sum.recipe import Recipe
from tests.tiny import RECIPE


def state_of(recipe, params, step=0, total_steps=0):
    steps = (jnp.asarray(x, jnp.int32) for x in (step, total_steps))
    return TrainState(*steps, params, {}, optimizer(recipe).init(params))


def test_it_starts_from_step_zero_without_momentum():
    state = create_state(RECIPE, jax.random.key(0))
    assert state.step == 0
    assert state.total_steps == 0
    assert all((x == 0).all() for x in jax.tree.leaves(state.opt_state))
    assert sum(x.size for x in jax.tree.leaves(state.opt_state)) == 21_843


def test_its_weights_are_those_of_the_key():
    one, same, other = (create_state(RECIPE, jax.random.key(seed)) for seed in (0, 0, 1))
    chex.assert_trees_all_equal(one, same)
    conv8, others = (state.params["encoder"]["conv8"]["kernel"] for state in (one, other))
    assert (conv8 != others).all()


def test_a_schedule_rises_to_the_learning_rate_and_falls_to_nothing():
    recipe = Recipe(schedule="one_cycle", learning_rate=0.2, warmup=0.25)
    rates = [float(learning_rate(recipe, state_of(recipe, {}, step, 100))) for step in range(101)]
    assert rates.index(max(rates)) == 25
    assert max(rates) == pytest.approx(0.2)
    assert rates[0] == pytest.approx(0.2 / 25)
    assert rates[100] < 1e-4
    assert learning_rate(Recipe(), state_of(Recipe(), {})) == 0.01


def test_a_step_is_against_the_gradient_with_nesterovs_momentum_and_decay_of_kernels():
    fields = {"learning_rate": 0.5, "momentum": 0.5, "weight_decay": 0.25, "nesterov": True}
    recipe = Recipe(**fields)
    state = state_of(recipe, {"kernel": jnp.full((1, 1), 4.0), "bias": jnp.full(1, 4.0)})
    gradients = jax.tree.map(jnp.ones_like, state.params)
    state = follow(recipe, state, gradients, {})
    # Momentum 1, or 1 + 0.25 * 4 = 2 with decay; Nesterov looks ahead: 1.5 times as far.
    assert (state.step, state.params["bias"][0], state.params["kernel"][0, 0]) == (1, 3.25, 2.5)
    state = follow(recipe, state, gradients, {})
    assert state.params["bias"][0] == 3.25 - 0.5 * (1 + 0.5 * 1.5)
    momentum = 1 + 0.25 * 2.5 + 0.5 * 2
    assert state.params["kernel"][0, 0] == 2.5 - 0.5 * (1 + 0.25 * 2.5 + 0.5 * momentum)


def test_a_state_of_another_optimizer_is_refused():
    state = create_state(Recipe(), jax.random.key(0))
    with pytest.raises(InputError, match="of another optimizer, expected one that this recipe"):
        follow(Recipe(weight_decay=0.1), state, state.params, {})


def test_a_schedule_needs_to_know_its_length():
    with pytest.raises(RecipeError, match="'one_cycle' and needs the total_steps"):
        create_state(Recipe(schedule="one_cycle"), jax.random.key(0))
