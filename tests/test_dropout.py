"""Dropout is where the original has it, and as random as it should be."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import path_aware_map
from jax.sharding import Mesh, PartitionSpec

from mnist_sum.data import load
from mnist_sum.learning.model import ConvBlock, DenseBlock, MnistSum
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

RATE = 0.25
IMAGES = 64
SIGMAS = 6  # chance goes further once in 5e8 times
DROPPING = {f"encoder.block{i}" for i in (1, 2, 4, 5, 6, 7)} | {
    f"adder.block{i}" for i in (1, 2, 3)
}


@pytest.fixture(scope="module")
def blocks():
    """Make a function from a key to each block's values before and after dropout, examples last.

    Large biases keep every value from the zeros of ReLU, so that zeros are those of dropout.
    """
    image, _, number = (jnp.asarray(column[:IMAGES]) for column in load("sample").train)
    state = create_state(Recipe(), jax.random.key(0))
    params = path_aware_map(
        lambda path, x: x + 100 if path[-2:] == ("norm", "bias") else x, state.params
    )

    @jax.jit
    def blocks(key):
        variables = {"params": params, "batch_stats": state.batch_stats}
        keys = {"dropout": key}
        _, captured = MnistSum(RATE).apply(
            variables,
            image,
            number,
            train=True,
            rngs=keys,
            capture_intermediates=True,
            mutable=True,
        )
        return {
            f"{part}.{name}": tuple(
                values.T if part == "adder" else values
                for values in (block["norm"]["__call__"][0], block["__call__"][0])
            )
            for part in ("encoder", "adder")
            for name, block in captured["intermediates"][part].items()
            if name.startswith("block")
        }

    return lambda key: jax.tree.map(np.asarray, blocks(key))


@pytest.fixture(scope="module")
def dropped(blocks):
    """Say of every value whether it was dropped, where there is dropout."""
    values = blocks(jax.random.key(0))
    return {name: values[name][1] == 0 for name in sorted(DROPPING)}


def assert_uncorrelated(one, other):
    """Compare two masks over as many values as both have."""
    count = min(one.size, other.size)
    correlation = np.corrcoef(one.ravel()[:count], other.ravel()[:count])[0, 1]
    assert abs(correlation) < SIGMAS * count**-0.5


def test_only_these_blocks_drop_values(blocks):
    values = blocks(jax.random.key(0))
    assert len(values) == 10
    assert {name for name, (_, after) in values.items() if (after == 0).any()} == DROPPING


def test_the_rest_is_scaled_up(blocks):
    for name, (before, after) in blocks(jax.random.key(0)).items():
        scale = 1 / (1 - RATE) if name in DROPPING else 1.0
        np.testing.assert_allclose(after[after != 0], (scale * before)[after != 0], rtol=1e-6)


def test_the_fraction_dropped_and_the_expectation(blocks, dropped):
    values = blocks(jax.random.key(0))
    for name, mask in dropped.items():
        spread = SIGMAS * mask.size**-0.5
        assert abs(mask.mean() - RATE) < spread * (RATE * (1 - RATE)) ** 0.5
        before, after = values[name]
        assert abs((after / before).mean() - 1) < spread * (RATE / (1 - RATE)) ** 0.5


def test_keys_decide(blocks, dropped):
    again, other = blocks(jax.random.key(0)), blocks(jax.random.key(1))
    for name, mask in dropped.items():
        np.testing.assert_array_equal(mask, again[name][1] == 0)
        assert_uncorrelated(mask, other[name][1] == 0)


def test_layers_are_independent(dropped):
    for one, other in combinations(dropped.values(), 2):
        assert_uncorrelated(one, other)


def test_examples_are_independent(dropped):
    for mask in dropped.values():
        correlations = np.corrcoef(mask.reshape(-1, IMAGES), rowvar=False) - np.eye(IMAGES)
        assert np.abs(correlations).max() < SIGMAS * (mask.size / IMAGES) ** -0.5


@pytest.mark.parametrize("devices", [1, 2, 8])
@pytest.mark.parametrize(
    ("block", "shape", "split"),
    [
        (ConvBlock, (5, 1, 5, 16), PartitionSpec(None, None, None, "data")),
        (DenseBlock, (16, 5), PartitionSpec("data")),
    ],
)
def test_devices_do_not_change_what_is_dropped(block, shape, split, devices):
    size = {ConvBlock: (6, 3), DenseBlock: (6,)}[block]
    x = jax.random.normal(jax.random.key(1), shape)
    variables = block(*size).init(jax.random.key(2), x, False)

    def outputs(axis_name, x):
        model, rngs = block(*size, RATE, axis_name), {"dropout": jax.random.key(0)}
        return model.apply(variables, x, True, rngs=rngs, mutable="batch_stats")[0]

    split_up = jax.shard_map(
        partial(outputs, "data"),
        mesh=Mesh(jax.devices()[:devices], ("data",)),
        in_specs=split,
        out_specs=split,
    )
    alone = outputs(None, x)
    assert (alone == 0).any()
    np.testing.assert_allclose(jax.jit(split_up)(x), alone, atol=1e-5)
