"""A check of what is compiled here: a step of training against the same in float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import DTypeLike

from mnist_sum.data import load
from mnist_sum.learning.batch import draw_batch, take_batch
from mnist_sum.learning.state import create_state
from mnist_sum.learning.step import train_step
from mnist_sum.recipe import Recipe

EXAMPLES = 16
STEPS = 100  # of the run that a schedule would be laid over
TOLERANCE = 1e-4  # float32 is 1e-6 to 1e-5 away; a wrong program or TF32 products 1e-3 and more
FLOOR = 1e-2  # gradients that are zero but for rounding are held to this share of all


def check_step(recipe: Recipe) -> str:
    """Check in a sentence that a step of the recipe is compiled correctly here; NaN is not."""
    error = step_error(recipe)
    distance = f"A step of training is within {error:.0e} of the same in float64"
    if error <= TOLERANCE:
        return f"{distance}, as float32 should be."
    return (
        f"{distance}, but should be within {TOLERANCE:.0e}: this version of jaxlib computes it "
        "inexactly on this device; choose another version, or more precise products."
    )


def step_error(recipe: Recipe) -> float:
    return max(map(relative_error, *(take_step(recipe, x) for x in (jnp.float32, jnp.float64))))


def take_step(recipe: Recipe, dtype: DTypeLike) -> tuple[Any, ...]:
    with jax.enable_x64(dtype == jnp.float64):
        state = create_state(recipe, jax.random.key(0), STEPS)
        state = jax.tree.map(lambda x: x.astype(dtype) if x.dtype == jnp.float32 else x, state)
        batch, key = take_batch(load("sample").train, np.arange(EXAMPLES)), jax.random.key(1)
        state, totals = train_step(recipe, state, batch, key)
        gradients = optax.tree_utils.tree_get(state.opt_state, "trace")
        losses = totals["digit_loss"].sum, totals["sum_loss"].sum
        image = draw_batch(recipe, batch, key).image
        return jax.device_get((image, losses, gradients, state.batch_stats))


def relative_error(actual: Any, expected: Any) -> float:
    """Compare two trees of arrays, array by array, by the norm of the difference."""
    differences = jax.tree.map(lambda a, e: np.float64(a) - np.float64(e), actual, expected)
    distances, norms = (
        np.array([np.linalg.norm(np.float64(x)) for x in jax.tree.leaves(tree)])
        for tree in (differences, expected)
    )
    return float(np.max(distances / np.maximum(norms, FLOOR * np.linalg.norm(norms))))
