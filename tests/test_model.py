"""The network: its parameters, its shapes, and what depends on what."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.learning.batch import all_numbers
from mnist_sum.learning.model import ExactAdder, MnistSum, make_model
from mnist_sum.recipe import Recipe


@pytest.fixture(scope="module")
def image():
    return jax.random.randint(jax.random.key(0), (4, 28, 28), 0, 256).astype(jnp.uint8)


@pytest.fixture(scope="module")
def variables(network):
    return network.variables


@jax.jit
def apply(variables, image, number):
    return MnistSum().apply(variables, image, number, train=False)


def test_outputs_are_named_and_shaped(variables, image):
    outputs = apply(variables, image, jnp.arange(4))
    chex.assert_shape((outputs.digit_log_probabilities, outputs.sum_logits), [(4, 10), (4, 19)])
    total = jnp.exp(outputs.digit_log_probabilities).sum(-1)
    np.testing.assert_allclose(total, 1.0, rtol=1e-6)


def test_the_digit_does_not_see_the_number_and_the_sum_does(variables, image):
    one, other = (apply(variables, image, jnp.full(4, number)) for number in (2, 3))
    chex.assert_trees_all_equal(one.digit_log_probabilities, other.digit_log_probabilities)
    assert (one.sum_logits != other.sum_logits).any(-1).all()


def test_all_numbers_at_once_are_each_number_alone(variables, image):
    together = apply(variables, image, all_numbers(4))
    chex.assert_shape(together.sum_logits, (4, 10, 19))
    for number in range(10):
        alone = apply(variables, image, jnp.full(4, number))
        same = together._replace(sum_logits=together.sum_logits[:, number])
        chex.assert_trees_all_close(same, alone, rtol=1e-4, atol=1e-5)


def test_outputs_see_every_pixel_of_their_own_image_and_none_of_the_others(variables, image):
    @jax.jit
    @jax.grad
    def sensitivity(image):
        return apply(variables, image, jnp.arange(4)).sum_logits[0].sum()

    gradient = jnp.abs(sensitivity(image.astype(jnp.float32)))
    assert (gradient[0] > 0).mean() > 0.99
    assert gradient[1:].max() == 0


def test_a_network_can_be_differentiated_forward_and_twice(variables, image):
    def logit(x):
        return MnistSum().apply(variables, x, jnp.arange(4)).sum_logits[0, 0]

    @jax.jit
    def differentiate(x):
        _, forward = jax.jvp(logit, (x,), (jnp.ones_like(x),))
        gradient, curvature = jax.jvp(jax.grad(logit), (x,), (jnp.ones_like(x),))
        return forward, gradient, curvature

    forward, gradient, curvature = differentiate(image.astype(jnp.float32))
    np.testing.assert_allclose(forward, gradient.sum(), rtol=1e-3)
    assert jnp.isfinite(curvature).all()


def test_the_exact_adder_moves_the_digits_distribution_by_the_number():
    logits = jax.random.normal(jax.random.key(0), (10, 10))
    moved = ExactAdder().apply({}, logits, jnp.arange(10), train=True)
    probabilities = jax.nn.softmax(moved)
    for number, digits in enumerate(jax.nn.softmax(logits)):
        np.testing.assert_allclose(probabilities[number, number:][:10], digits, rtol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_the_model_with_the_exact_adder_has_the_encoders_parameters_only(image):
    init = partial(make_model(Recipe(adder="exact")).init, train=False)
    shapes = jax.eval_shape(init, jax.random.key(0), image, jnp.arange(4))
    assert sum(x.size for x in jax.tree.leaves(shapes["params"])) == 7_840
