"""What is compiled computes what float64 does, for every named config, distortions included."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.configs import CONFIGS
from mnist_sum.data import load
from mnist_sum.learning.batch import draw_batch, take_batch
from mnist_sum.learning.state import create_state
from mnist_sum.learning.step import train_step

EXAMPLES = 16
STEPS = 100  # of the run that a schedule would be laid over
TOLERANCE = 1e-4  # float32 is 1e-6 to 1e-5 away; a wrong program or TF32 products 1e-3 and more
FLOOR = 1e-2  # gradients that are zero but for rounding are held to this share of all


def take_step(recipe, dtype):
    """Take one step: the distorted images, the losses, gradients and batch-norm statistics."""
    with jax.enable_x64(dtype == jnp.float64):
        state = create_state(recipe, jax.random.key(0), STEPS)
        state = jax.tree.map(lambda x: x.astype(dtype) if x.dtype == jnp.float32 else x, state)
        batch, key = take_batch(load("sample").train, np.arange(EXAMPLES)), jax.random.key(1)
        state, totals = train_step(recipe, state, batch, key)
        gradients = optax.tree_utils.tree_get(state.opt_state, "trace")
        losses = totals["digit_loss"].sum, totals["sum_loss"].sum
        image = draw_batch(recipe, batch, key).image
        return jax.device_get((image, losses, gradients, state.batch_stats))


def relative_error(actual, expected):
    """Compare two trees of arrays, array by array, by the norm of the difference."""
    differences = jax.tree.map(lambda a, e: np.float64(a) - np.float64(e), actual, expected)
    distances, norms = (
        np.array([np.linalg.norm(np.float64(x)) for x in jax.tree.leaves(tree)])
        for tree in (differences, expected)
    )
    return float(np.max(distances / np.maximum(norms, FLOOR * np.linalg.norm(norms))))


@pytest.mark.parity
@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_every_config_is_that_of_float64(name):
    steps = [take_step(CONFIGS[name].recipe, dtype) for dtype in (jnp.float32, jnp.float64)]
    assert np.max([*map(relative_error, *steps)]) < TOLERANCE  # not so of NaN
