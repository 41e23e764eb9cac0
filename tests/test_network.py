"""Batch norm's statistics, taken once more over images as they are."""

import chex
import jax
import numpy as np
import pytest

from mnist_sum.learning import network as network_module
from mnist_sum.learning.network import Network, renew_statistics
from mnist_sum.learning.sharding import data_mesh, replicate
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from tests.tiny import EXAMPLES

RECIPE = Recipe(dropout_rate=0.5)


@pytest.fixture(scope="module")
def network():
    return Network(RECIPE, create_state(RECIPE, jax.random.key(0)).variables)


def first_statistics(network, image):
    """Compute mean and unbiased variance behind the first convolution, in float64."""
    kernel = np.asarray(network.variables["params"]["encoder"]["block1"]["conv"]["kernel"], float)
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(image, float), (3, 3), (1, 2))
    values = np.einsum("brcij,ijo->brco", windows, kernel[:, :, 0]).reshape(-1, 10)
    return {"mean": values.mean(0), "var": values.var(0, ddof=1)}


def test_they_are_those_of_the_images_with_nothing_left_of_the_old_ones(network, dataset):
    spoilt = network.replace(
        variables=network.variables
        | {"batch_stats": jax.tree.map(lambda x: x + 7, network.variables["batch_stats"])}
    )
    renewed = renew_statistics(spoilt, dataset)
    first = renewed.variables["batch_stats"]["encoder"]["block1"]["norm"]
    expected = first_statistics(network, dataset.image)
    for name, values in expected.items():
        np.testing.assert_allclose(first[name], values, rtol=1e-4, atol=1e-3)
    chex.assert_trees_all_equal(renewed.variables["params"], network.variables["params"])
    chex.assert_trees_all_equal(renewed, renew_statistics(network, dataset))  # and nothing dropped


def test_several_chunks_weigh_alike(network, dataset, monkeypatch):
    monkeypatch.setattr(network_module, "CHUNK", EXAMPLES // 2)
    renewed = jax.jit(network_module.renew_unchecked.__wrapped__)(network, dataset)
    halves = [
        first_statistics(network, dataset.image[half])["mean"]
        for half in (slice(EXAMPLES // 2), slice(EXAMPLES // 2, None))
    ]
    mean = renewed.variables["batch_stats"]["encoder"]["block1"]["norm"]["mean"]
    np.testing.assert_allclose(mean, (halves[0] + halves[1]) / 2, rtol=1e-4, atol=1e-3)


def test_on_many_devices_they_are_those_of_one(network, dataset):
    mesh = data_mesh(jax.devices())
    everywhere = renew_statistics(*replicate((network, dataset), mesh))
    assert all(x.sharding.is_fully_replicated for x in jax.tree.leaves(everywhere))
    alone = renew_statistics(network, dataset)
    chex.assert_trees_all_close(jax.device_get(everywhere), jax.device_get(alone), rtol=1e-4)
