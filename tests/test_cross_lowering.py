"""Every entry point is written for a GPU as for a processor; that needs neither card nor CUDA."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from jax import ShapeDtypeStruct
from jax.export import export

from experiments.configs import base, fast
from mnist_sum.data import Dataset
from mnist_sum.learning.evaluate import evaluate, predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict
from mnist_sum.learning.state import create_state
from mnist_sum.learning.train import begin_epoch, train_steps, zero_tally

EXAMPLES = 150  # of which the last batch is a short one
IMAGES = ShapeDtypeStruct((EXAMPLES, 28, 28), jnp.uint8)
DIGITS = ShapeDtypeStruct((EXAMPLES,), jnp.int32)
DATASET = Dataset(*(jnp.zeros(x.shape, x.dtype) for x in (IMAGES, DIGITS, DIGITS)))


def training(recipe):
    """Give train_steps its recipe, and the shapes of its other arguments."""
    key = jax.random.key(0)
    state = jax.eval_shape(partial(create_state, recipe, total_steps=10), key)
    epoch = jax.eval_shape(partial(begin_epoch, examples=EXAMPLES), key)
    bounds = (ShapeDtypeStruct((), jnp.int32),) * 2
    return partial(train_steps, recipe), (state, zero_tally(), DATASET, epoch, bounds)


def network():
    """Give the shapes of a network."""
    return jax.eval_shape(
        lambda key: Network(base().recipe, create_state(base().recipe, key).variables),
        jax.random.key(0),
    )


ENTRY_POINTS = {
    "base": lambda: training(base().recipe),
    "fast": lambda: training(fast().recipe),
    "evaluate": lambda: (evaluate, (network(), DATASET)),
    "predict": lambda: (predict, (network(), IMAGES, DIGITS)),
    "predict_outputs": lambda: (predict_outputs, (network(), IMAGES)),
}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_entry_points_are_lowered_for_cuda_and_cpu(name):
    function, arguments = ENTRY_POINTS[name]()
    exported = export(jax.jit(function), platforms=("cuda", "cpu"))(*arguments)
    assert exported.platforms == ("cuda", "cpu")
    # A call back to Python would need the host in every step.
    assert "callback" not in exported.mlir_module()
