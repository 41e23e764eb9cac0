"""The state of training: what a step takes and gives back."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float, Int, Key

from mnist_sum.errors import InputError, RecipeError
from mnist_sum.inputs import check_key, check_recipe
from mnist_sum.learning.model import init_variables
from mnist_sum.recipe import Recipe

SCHEDULE_STEPS = 10**6  # a schedule is made for this many, and read at fractions of them


class TrainState(struct.PyTreeNode):
    """Everything that training changes: arrays, and nothing else."""

    step: Int[Array, ""]
    total_steps: Int[Array, ""]
    """Steps of the whole run, over which a schedule is laid; 0 if not given."""
    params: dict
    batch_stats: dict
    opt_state: optax.OptState

    @property
    def variables(self) -> dict[str, dict]:
        """What the model is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


def create_state(recipe: Recipe, key: Key[Array, ""], total_steps: int | None = None) -> TrainState:
    """Draw initial weights.

    Raises RecipeError if a schedule lacks `total_steps`, and InputError for what is no key.
    """
    check_key("key", key)
    check_recipe(recipe)
    if recipe.schedule != "constant" and not total_steps:
        raise RecipeError(f"schedule is {recipe.schedule!r} and needs the total_steps of the run.")
    return _create_state(recipe, key, jnp.asarray(total_steps or 0, jnp.int32))


@partial(jax.jit, static_argnames="recipe")
def _create_state(recipe: Recipe, key: Key[Array, ""], total_steps: Int[Array, ""]) -> TrainState:
    variables = init_variables(recipe, key)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        total_steps=total_steps,
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer(recipe).init(variables["params"]),
    )


def optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """Turn gradients into a direction, which is followed against by the learning rate."""
    decay = optax.add_decayed_weights(recipe.weight_decay, mask=are_kernels)
    momentum = optax.trace(recipe.momentum, recipe.nesterov)
    return optax.chain(decay, momentum) if recipe.weight_decay else momentum


def learning_rate(recipe: Recipe, state: TrainState) -> float | Float[Array, ""]:
    """Compute the learning rate of the state's next step.

    optax wants to know the length of a schedule when it compiles. So its schedule has a fixed one,
    and the length of the run may be an array: another one compiles nothing new.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    one_cycle = optax.cosine_onecycle_schedule(SCHEDULE_STEPS, recipe.learning_rate, recipe.warmup)
    with jax.numpy_dtype_promotion("standard"):  # which optax needs
        return one_cycle(SCHEDULE_STEPS * (state.step / state.total_steps))


def follow(recipe: Recipe, state: TrainState, gradients: dict, batch_stats: dict) -> TrainState:
    """Take one step down the gradients; raises InputError for a state of another optimizer."""
    made = jax.eval_shape(optimizer(recipe).init, state.params)
    if len({jax.tree.structure(x) for x in (made, state.opt_state)}) > 1:
        raise InputError("state is of another optimizer, expected one that this recipe creates.")
    direction, opt_state = optimizer(recipe).update(gradients, state.opt_state, state.params)
    rate = learning_rate(recipe, state)
    params = jax.tree.map(lambda p, d: p - jnp.asarray(rate, p.dtype) * d, state.params, direction)
    return state.replace(
        step=state.step + 1, params=params, batch_stats=batch_stats, opt_state=opt_state
    )


def are_kernels(params: dict) -> dict:
    """Tell kernels from biases and the scales of batch norm, which have a single axis."""
    return jax.tree.map(lambda x: x.ndim > 1, params)
