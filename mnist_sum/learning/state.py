"""The state of training: what a step takes and gives back."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float, Int, Key

from mnist_sum.errors import RecipeError
from mnist_sum.learning.model import make_model
from mnist_sum.recipe import Recipe

SCHEDULE_STEPS = 10**6  # a schedule is made for so many, and read at fractions of them


class TrainState(struct.PyTreeNode):
    """Everything that training changes: arrays, and nothing else."""

    step: Int[Array, ""]
    total_steps: Int[Array, ""]
    """Steps of the whole run, over which a schedule is laid; 0 where nobody said."""
    params: dict
    batch_stats: dict
    opt_state: optax.OptState

    @property
    def variables(self) -> dict[str, dict]:
        """What the model is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


def create_state(recipe: Recipe, key: Key[Array, ""], total_steps: int | None = None) -> TrainState:
    """Draw initial weights; raises RecipeError if a schedule lacks `total_steps`."""
    if recipe.schedule != "constant" and not total_steps:
        raise RecipeError(f"schedule is {recipe.schedule!r} and needs the total_steps of the run.")
    return _create_state(recipe, key, jnp.asarray(total_steps or 0, jnp.int32))


@partial(jax.jit, static_argnames="recipe")
def _create_state(recipe: Recipe, key: Key[Array, ""], total_steps: Int[Array, ""]) -> TrainState:
    image = jnp.zeros((2, 28, 28), jnp.uint8)
    number = jnp.zeros(2, jnp.int32)
    variables = make_model(recipe).init(key, image, number, train=False)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        total_steps=total_steps,
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer(recipe, total_steps).init(variables["params"]),
    )


def optimizer(recipe: Recipe, total_steps: int | Int[Array, ""]) -> optax.GradientTransformation:
    """Make the optimizer of a recipe, its schedule laid over so many steps."""
    sgd = optax.sgd(learning_rate(recipe, total_steps), recipe.momentum, recipe.nesterov)
    if recipe.weight_decay == 0:
        return sgd
    return optax.chain(optax.add_decayed_weights(recipe.weight_decay, mask=are_kernels), sgd)


def learning_rate(recipe: Recipe, total_steps: int | Int[Array, ""]) -> optax.ScalarOrSchedule:
    """Make the learning rate: a number, or a function of the step.

    optax wants to know the length of a schedule when it compiles. So its schedule has a fixed one,
    and the length of the run may be an array: another one compiles nothing new.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    one_cycle = optax.cosine_onecycle_schedule(SCHEDULE_STEPS, recipe.learning_rate, recipe.warmup)

    def rate(step: Int[Array, ""]) -> Float[Array, ""]:
        with jax.numpy_dtype_promotion("standard"):  # which optax needs
            return one_cycle(SCHEDULE_STEPS * (step / total_steps))

    return rate


def are_kernels(params: dict) -> dict:
    """Tell kernels from biases and the scales of batch norm, which have a single axis."""
    return jax.tree.map(lambda x: x.ndim > 1, params)
