"""The layers: batch norm against literal values, dropout where and as random as it should be."""

from functools import partial
from itertools import combinations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.errors import InvalidRngError
from flax.traverse_util import path_aware_map

from mnist_sum.data import load
from mnist_sum.learning import layers
from mnist_sum.learning.layers import BatchNorm, Dropout
from mnist_sum.learning.model import MnistSum
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

XLA_REDUCTIONS = "xla_cpu_experimental_ynn_fusion_type"  # what sums by a library, unless empty
RATE = 0.25
IMAGES = 64
SIGMAS = 6  # chance goes further once in 5e8 times
DROPPING = {f"encoder.block{i}" for i in (1, 2, 4, 5, 6, 7)}
DROPPING |= {f"adder.block{i}" for i in (1, 2, 3)}
KEY = jax.random.key(0)


def test_batch_norm_normalises_by_the_biased_and_remembers_the_unbiased_variance():
    norm = BatchNorm(feature_axis=0)
    x = jnp.array([[1.0, 3.0], [10.0, 10.0]])  # two features, two examples
    variables = norm.init(KEY, x, train=True)
    y, updates = norm.apply(variables, x, train=True, mutable="batch_stats")
    np.testing.assert_allclose(y, [[-0.999995, 0.999995], [0.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(updates["batch_stats"]["mean"], [0.2, 1.0], rtol=1e-6)
    np.testing.assert_allclose(updates["batch_stats"]["var"], [1.1, 0.9], rtol=1e-6)


def test_batch_norm_evaluates_with_what_it_remembers():
    params = {"scale": jnp.array([2.0]), "bias": jnp.array([1.0])}
    remembered = {"mean": jnp.array([3.0]), "var": jnp.array([4.0])}
    variables = {"params": params, "batch_stats": remembered}
    y = BatchNorm(feature_axis=-1).apply(variables, jnp.array([[5.0], [3.0]]), train=False)
    np.testing.assert_allclose(y, [[3.0], [1.0]], rtol=1e-5)


def test_batch_norm_is_exact_for_pixels_far_from_zero():
    x = 1000.0 + jnp.array([[0.0, 1.0, 2.0, 3.0]])
    y, _ = BatchNorm(feature_axis=0).init_with_output(KEY, x, train=True)
    np.testing.assert_allclose(y[0], np.array([-1.5, -0.5, 0.5, 1.5]) / 1.25**0.5, atol=1e-3)


def test_statistics_are_exact_where_xla_adds_one_by_one():
    image = load("sample").train.image[:512]
    x = jnp.moveaxis(jnp.asarray(image, jnp.float32), 0, -1)[:, None]

    def statistics(x):
        return layers.batch_statistics(x, (0, 2, 3), None)[:2]

    try:
        actual = jax.jit(statistics, compiler_options={XLA_REDUCTIONS: ""})(x)
    except jax.errors.JaxRuntimeError as error:
        pytest.skip(f"This XLA has no other reductions to choose: {error}")
    np.testing.assert_allclose(actual, [[image.mean()], [image.var()]], rtol=1e-5)


@pytest.fixture(scope="module")
def blocks():
    """Make a function from a key to each block's values before and after dropout, examples last.

    Large biases keep every value from the zeros of ReLU, so that zeros are those of dropout.
    """
    image, _, number = (jnp.asarray(column[:IMAGES]) for column in load("sample").train)
    state = create_state(Recipe(), KEY)
    biased = path_aware_map(lambda path, x: x + 100 * (path[-2:] == ("norm", "bias")), state.params)
    variables = {"params": biased, "batch_stats": state.batch_stats}

    @jax.jit
    def blocks(key):
        settings = {"rngs": {"dropout": key}, "capture_intermediates": True, "mutable": True}
        _, captured = MnistSum(RATE).apply(variables, image, number, train=True, **settings)
        values = {}
        for part, layout in (("encoder", jnp.asarray), ("adder", jnp.transpose)):
            for name, block in captured["intermediates"][part].items():
                if name.startswith("block"):
                    both = block["norm"]["__call__"][0], block["__call__"][0]
                    values[f"{part}.{name}"] = tuple(map(layout, both))
        return values

    return lambda key: jax.tree.map(np.asarray, blocks(key))


def assert_uncorrelated(one, other):
    count = min(one.size, other.size)
    correlation = np.corrcoef(one.ravel()[:count], other.ravel()[:count])[0, 1]
    assert abs(correlation) < SIGMAS * count**-0.5


def test_only_these_blocks_drop_the_right_fraction_and_scale_up_the_rest(blocks):
    values = blocks(KEY)
    assert len(values) == 10
    assert {name for name, (_, after) in values.items() if (after == 0).any()} == DROPPING
    for name, (before, after) in values.items():
        scale = 1 / (1 - RATE) if name in DROPPING else 1.0
        np.testing.assert_allclose(after[after != 0], (scale * before)[after != 0], rtol=1e-6)
        bound = SIGMAS * (RATE * (1 - RATE) / after.size) ** 0.5
        assert abs((after == 0).mean() - RATE * (name in DROPPING)) < bound


def test_keys_layers_and_examples_drop_independently(blocks):
    masks, again, other = (
        {name: values[name][1] == 0 for name in sorted(DROPPING)}
        for values in map(blocks, (KEY, KEY, jax.random.key(1)))
    )
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, again[name])
        assert_uncorrelated(mask, other[name])
        correlations = np.corrcoef(mask.reshape(-1, IMAGES), rowvar=False) - np.eye(IMAGES)
        assert np.abs(correlations).max() < SIGMAS * (mask.size / IMAGES) ** -0.5
    for one, other in combinations(masks.values(), 2):
        assert_uncorrelated(one, other)


def test_dropout_has_a_gradient_where_it_keeps_and_is_off_in_evaluation():
    x = 1 + jnp.arange(100.0).reshape(10, 10)
    drop = Dropout(0.5, -1)

    def total(x):
        y = drop.apply({}, x, train=True, rngs={"dropout": KEY})
        return y.sum(), y

    gradient, y = jax.grad(total, has_aux=True)(x)
    np.testing.assert_array_equal(gradient, jnp.where(y == 0, 0, 2))
    chex.assert_trees_all_equal(drop.apply({}, x, train=False), x)
    with pytest.raises(InvalidRngError, match="dropout"):
        drop.apply({}, x, train=True)


def test_dropout_that_is_mapped_over_keys_drops_by_each_of_them():
    keys, x = jax.random.split(KEY, 2), jnp.ones((50, 50))
    drop = partial(Dropout(0.5, -1).apply, {}, x, train=True)
    one, other = jax.vmap(lambda key: drop(rngs={"dropout": key}))(keys)
    assert_uncorrelated(one == 0, other == 0)


def test_hashed_bits_look_like_chance():
    places = jnp.arange(256_000, dtype=jnp.uint32)
    x, y = (np.asarray(layers.hashed_bits(jax.random.key(seed), places)) for seed in (1, 2))
    bits = ((x[:, None] >> np.arange(32)) & 1) * 2.0 - 1
    between = bits.T @ bits / x.size - np.eye(32)
    assert np.abs(bits.mean(0)).max() < 5 * x.size**-0.5
    assert np.abs(between).max() < 5 * x.size**-0.5
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.02
    assert (x == y).mean() < 0.001


def test_every_value_of_a_batch_has_a_place_of_its_own():
    assert Dropout(0.5, 0).places((2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert Dropout(0.5, -1).places((3, 2)).tolist() == [[0, 3], [1, 4], [2, 5]]


def test_the_pool_takes_the_greatest_of_four_and_gives_it_the_gradient():
    x = jnp.arange(16.0).reshape(4, 1, 4, 1)
    y, pull_back = jax.vjp(layers.max_pool, x)
    assert y[:, 0, :, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]
    (gradient,) = pull_back(jnp.ones_like(y))
    assert jnp.flatnonzero(gradient).tolist() == [5, 7, 13, 15]


def test_initial_weights_are_uniform_up_to_the_root_of_the_fan_in():
    x = layers.uniform_by_fan_in(25)(KEY, (100, 100), jnp.float32)
    assert jnp.abs(x).max() <= 0.2
    np.testing.assert_allclose(x.std(), 0.2 / 3**0.5, rtol=0.03)
