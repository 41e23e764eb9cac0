"""The layers: batch norm against literal values, dropout's rate, the pool, initial weights."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.data import load
from mnist_sum.layers import BatchNorm, Dropout, max_pool, random_uint16, uniform_by_fan_in

XLA_REDUCTIONS = "xla_cpu_experimental_ynn_fusion_type"  # what sums by a library, unless empty


def test_batch_norm_normalises_by_the_biased_and_remembers_the_unbiased_variance():
    norm = BatchNorm(feature_axis=0)
    x = jnp.array([[1.0, 3.0], [10.0, 10.0]])  # two features, two examples
    variables = norm.init(jax.random.key(0), x, train=True)
    y, updates = norm.apply(variables, x, train=True, mutable="batch_stats")
    np.testing.assert_allclose(y, [[-0.999995, 0.999995], [0.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(updates["batch_stats"]["mean"], [0.2, 1.0], rtol=1e-6)
    np.testing.assert_allclose(updates["batch_stats"]["var"], [1.1, 0.9], rtol=1e-6)


def test_batch_norm_evaluates_with_what_it_remembers():
    variables = {
        "params": {"scale": jnp.array([2.0]), "bias": jnp.array([1.0])},
        "batch_stats": {"mean": jnp.array([3.0]), "var": jnp.array([4.0])},
    }
    y = BatchNorm(feature_axis=-1).apply(variables, jnp.array([[5.0], [3.0]]), train=False)
    np.testing.assert_allclose(y, [[3.0], [1.0]], rtol=1e-5)


def test_batch_norm_is_exact_for_pixels_far_from_zero():
    x = 1000.0 + jnp.array([[0.0, 1.0, 2.0, 3.0]])
    norm = BatchNorm(feature_axis=0)
    y, _ = norm.init_with_output(jax.random.key(0), x, train=True)
    np.testing.assert_allclose(y[0], np.array([-1.5, -0.5, 0.5, 1.5]) / 1.25**0.5, atol=1e-3)


def test_statistics_are_exact_where_xla_adds_one_by_one():
    image = load("sample").train.image[:512]
    x = jnp.moveaxis(jnp.asarray(image, jnp.float32), 0, -1)[:, None]
    norm, options = BatchNorm(feature_axis=1), {XLA_REDUCTIONS: ""}
    try:
        statistics = jax.jit(lambda x: norm.batch_statistics(x)[:2], compiler_options=options)(x)
    except jax.errors.JaxRuntimeError as error:
        pytest.skip(f"This XLA has no other reductions to choose: {error}")
    np.testing.assert_allclose(statistics, [[image.mean()], [image.var()]], rtol=1e-5)


@pytest.mark.parametrize("rate", [0.01, 0.5, 0.9999999])
def test_dropout_keeps_the_mean(rate):
    x = jnp.ones((1000, 1000))
    y = Dropout(rate, -1).apply({}, x, train=True, rngs={"dropout": jax.random.key(0)})
    met = min(round(rate * 65536), 65535) / 65536
    assert (y == 0).mean() == pytest.approx(met, abs=5 * (met * (1 - met) / x.size) ** 0.5)
    np.testing.assert_allclose(y.max(), 1 / (1 - met), rtol=1e-6)


def test_dropout_is_off_in_evaluation():
    x = jnp.arange(10.0)
    chex.assert_trees_all_equal(Dropout(0.5, 0).apply({}, x, train=False), x)


@pytest.mark.parametrize("shape", [(3, 1), (35, 3), (1000, 256)])
def test_random_integers_fill_16_bits(shape):
    count, examples = shape
    x = np.asarray(random_uint16(jax.random.key(0), count, jnp.arange(examples, dtype=jnp.uint32)))
    assert x.shape == shape
    assert x.max() < 2**16
    if x.size > 1000:
        bits = (x.ravel()[:, None] >> np.arange(16)) & 1
        np.testing.assert_allclose(bits.mean(0), 0.5, atol=5 * 0.5 / x.size**0.5)
        assert abs(np.corrcoef(x[: len(x) // 2].ravel(), x[len(x) // 2 :].ravel())[0, 1]) < 0.02


def test_the_pool_takes_the_greatest_of_four():
    x = jnp.arange(16.0).reshape(4, 1, 4, 1)
    assert max_pool(x)[:, 0, :, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]


def test_the_pool_has_the_gradient_of_the_library_ties_included():
    x = jnp.round(4 * jax.random.uniform(jax.random.key(0), (6, 3, 8, 5)))
    assert len(set(x.ravel().tolist())) == 5

    def loss(pool, x):
        y = pool(x)
        return (y * jnp.arange(y.size).reshape(y.shape)).sum()

    library = jax.grad(lambda x: loss(lambda x: nn.max_pool(x, (2, 1, 2), (2, 1, 2)), x))(x)
    chex.assert_trees_all_equal(jax.grad(lambda x: loss(max_pool, x))(x), library)


def test_initial_weights_are_uniform_up_to_the_root_of_the_fan_in():
    x = uniform_by_fan_in(25)(jax.random.key(0), (100, 100), jnp.float32)
    assert jnp.abs(x).max() <= 0.2
    np.testing.assert_allclose(x.std(), 0.2 / 3**0.5, rtol=0.03)
