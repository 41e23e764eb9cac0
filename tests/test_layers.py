"""The layers: batch norm against literal values, dropout's rate, the pool, initial weights."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.data import load
from mnist_sum.learning import reduction
from mnist_sum.learning.layers import BatchNorm, Dropout, hashed_bits, max_pool, uniform_by_fan_in

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


@pytest.mark.parametrize("way", [reduction._in_one_pass, reduction._in_two_passes])
def test_mean_and_variance_do_not_depend_on_how_a_device_computes_them(way):
    x = 1000 + jax.random.normal(jax.random.key(0), (5, 3, 7))
    expected = np.asarray(x, np.float64)
    mean, var = way(x, (0, 2))
    np.testing.assert_allclose(mean, expected.mean((0, 2)), rtol=1e-6)
    np.testing.assert_allclose(var, expected.var((0, 2)), rtol=1e-3)
    mean, var = way(jnp.full((3, 7), 1234.567), (1,))
    np.testing.assert_allclose(mean, 1234.567, rtol=1e-6)
    np.testing.assert_array_equal(var, 0)


@pytest.mark.parametrize("way", [reduction._one_by_one, reduction._together])
def test_two_sums_do_not_depend_on_how_a_device_adds_them(way):
    x = jnp.arange(24.0).reshape(2, 3, 4)
    sums, negative = way((0, 2), x, -2 * x)
    assert sums.tolist() == [60, 92, 124]
    assert negative.tolist() == [-120, -184, -248]


@pytest.mark.parametrize("feature_axis", [1, -1])
def test_batch_norm_has_the_gradient_of_the_plain_formula(feature_axis):
    x, weight = jax.random.normal(jax.random.key(0), (2, 6, 4, 3))
    norm = BatchNorm(feature_axis)
    variables = norm.init(jax.random.key(0), x, train=True)
    params = jax.tree.map(lambda p: p + jnp.arange(p.size) / 3, variables["params"])
    axes = tuple(axis for axis in range(3) if axis != feature_axis % 3)

    def ours(params, x):
        applied = {"params": params, "batch_stats": variables["batch_stats"]}
        return (weight * norm.apply(applied, x, train=True, mutable="batch_stats")[0]).sum()

    def plain(params, x):
        scale, bias = (jnp.expand_dims(params[name], axes) for name in ("scale", "bias"))
        deviation = x - x.mean(axes, keepdims=True)
        var = jnp.square(deviation).mean(axes, keepdims=True)
        return (weight * (scale * deviation / jnp.sqrt(var + 1e-5) + bias)).sum()

    gradients = (jax.grad(loss, (0, 1))(params, x) for loss in (ours, plain))
    chex.assert_trees_all_close(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [0.01, 0.5, 0.9999])
def test_dropout_keeps_the_mean(rate):
    x = jnp.ones((1000, 1000))
    y = Dropout(rate, -1).apply({}, x, train=True, rngs={"dropout": jax.random.key(0)})
    assert (y == 0).mean() == pytest.approx(rate, abs=5 * (rate * (1 - rate) / x.size) ** 0.5)
    np.testing.assert_allclose(y.max(), 1 / (1 - rate), rtol=1e-6)


def test_dropout_has_a_gradient_where_it_keeps():
    x = jnp.arange(100.0).reshape(10, 10)
    drop = Dropout(0.5, -1)

    def total(x):
        y = drop.apply({}, x, train=True, rngs={"dropout": jax.random.key(0)})
        return y.sum(), y

    gradient, y = jax.grad(total, has_aux=True)(x)
    np.testing.assert_array_equal(gradient, jnp.where(y == 0, 0, 2))


def test_dropout_is_off_in_evaluation():
    x = jnp.arange(10.0)
    chex.assert_trees_all_equal(Dropout(0.5, 0).apply({}, x, train=False), x)


def test_hashed_bits_look_like_chance():
    index, first, second = jnp.arange(256_000, dtype=jnp.uint32), jnp.uint32(1), jnp.uint32(2)
    x = np.asarray(hashed_bits(first, second, index))
    bits = ((x[:, None] >> np.arange(32)) & 1) * 2.0 - 1
    between = bits.T @ bits / x.size - np.eye(32)
    assert np.abs(bits.mean(0)).max() < 5 * x.size**-0.5
    assert np.abs(between).max() < 5 * x.size**-0.5
    for other in ((first + 1, second), (first, second + 1)):
        y = np.asarray(hashed_bits(*other, index))
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.02
        assert (x == y).mean() < 0.001


def test_every_value_of_a_batch_has_a_number_of_its_own():
    assert Dropout(0.5, 0).indices((2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert Dropout(0.5, -1).indices((3, 2)).tolist() == [[0, 3], [1, 4], [2, 5]]


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
