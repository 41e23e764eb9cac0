"""Settings of JAX: under those that do not decide the bits, all works the same."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.configs import best, named_config
from mnist_sum.data import Dataset
from mnist_sum.learning.batch import draw_number
from mnist_sum.learning.epoch import train_epoch
from mnist_sum.learning.evaluate import evaluate, predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import create_state

RECIPES = {
    "all numbers": dataclasses.replace(best().recipe, batch_size=16, dropout_rate=0.1),
    "unseen pairs": dataclasses.replace(named_config("unseen_pairs").recipe, batch_size=16),
}
EXAMPLES = 40  # two whole batches, and one of the rest
DATASET = Dataset(*(np.zeros((EXAMPLES, *rest), np.int32) for rest in ((28, 28), (), ())))


def everything(recipe):
    """Make a state, train an epoch, evaluate and predict."""
    state = create_state(recipe, jax.random.key(0), 3)
    trained, tally = train_epoch(recipe, state, DATASET, jax.random.key(1))
    network = Network(recipe, trained.variables)
    outputs = predict_outputs(network, jnp.asarray(DATASET.image))
    return state, trained, tally, evaluate(network, DATASET), outputs


def types(recipe):
    """Trace all of it, without compiling; returns the type of each array that comes of it."""
    return [(x.shape, x.dtype) for x in jax.tree.leaves(jax.eval_shape(lambda: everything(recipe)))]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_all_that_is_computed_keeps_its_types_under_other_settings(recipe):
    expected = types(recipe)
    for setting in (jax.enable_x64(True), jax.numpy_dtype_promotion("strict")):
        with setting:
            assert types(recipe) == expected


def test_numbers_are_the_same_in_64_bits():
    keys = jax.random.split(jax.random.key(5), 20)
    numbers = [jax.vmap(draw_number)(keys)]
    with jax.enable_x64(True):
        numbers.append(jax.vmap(draw_number)(keys))
    assert numbers[0].tolist() == numbers[1].tolist()
