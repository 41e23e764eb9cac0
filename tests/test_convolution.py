"""The convolution: both formulations are the library's, and so are their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mnist_sum.learning import convolution
from mnist_sum.learning.convolution import convolve, convolve_in_training

SHAPES = [(1, 28, 10, 3), (10, 26, 10, 3), (10, 24, 15, 3), (15, 11, 10, 1), (10, 5, 10, 5)]
SHAPES += [(10, 7, 10, 3)]  # of the model's layers: in_channel, height, out_channel, window
BATCH = 8


def plain(images, kernel):
    layout = "HCWN", "HWIO", "HCWN"
    return lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=layout)


def operands(shape, dtype=np.float32):
    in_channel, side, out_channel, window = shape
    draw = np.random.default_rng(0).standard_normal
    images = draw((side, in_channel, side, BATCH)).astype(dtype)
    kernel = draw((window, window, in_channel, out_channel)).astype(dtype)
    return jnp.asarray(images), jnp.asarray(kernel)


def with_gradients(function):
    def compute(images, kernel):
        outputs, pull_back = jax.vjp(function, images, kernel)
        weights = jnp.cos(jnp.arange(outputs.size, dtype=outputs.dtype)).reshape(outputs.shape)
        return outputs, *pull_back(weights)

    return jax.jit(compute)


@pytest.mark.parametrize("function", [convolve, convolve_in_training])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_the_library_to_12_digits(shape, function):
    with jax.enable_x64(True):
        actual = with_gradients(function)(*operands(shape, np.float64))
        expected = with_gradients(plain)(*operands(shape, np.float64))
        for ours, theirs in zip(actual, expected, strict=True):
            assert ours.dtype == np.float64
            assert np.linalg.norm(ours - theirs) <= 1e-12 * np.linalg.norm(theirs)


def test_the_formulation_for_other_devices_is_the_same():
    images, kernel = operands(SHAPES[-1])
    whole, rows = convolution._convolve_whole(images, kernel), convolve(images, kernel)
    np.testing.assert_allclose(whole, rows, atol=1e-4)
    inputs = images, plain(images, kernel)
    whole, rows = (
        gradient(*inputs)
        for gradient in (convolution._kernel_gradient_whole, convolution._kernel_gradient_rows)
    )
    np.testing.assert_allclose(whole, rows, rtol=1e-4, atol=1e-3)


def test_it_can_be_mapped_over_kernels():
    images, kernel = operands(SHAPES[-1])
    kernels = jnp.stack([kernel, 2 * kernel])
    mapped = jax.vmap(with_gradients(convolve_in_training), in_axes=(None, 0))(images, kernels)
    expected = with_gradients(plain)(images, kernel)
    bounds = (2, 1e-4), (2, 1e-3), (1, 1e-3)
    for ours, library, (factor, atol) in zip(mapped, expected, bounds, strict=True):
        np.testing.assert_allclose(ours[1], factor * ours[0], rtol=1e-5)
        np.testing.assert_allclose(ours[0], library, rtol=1e-4, atol=atol)
