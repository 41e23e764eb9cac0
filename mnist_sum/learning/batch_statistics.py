"""Batch norm's statistics, taken once more when training is done: over images as they are."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, UInt8

from mnist_sum.data import Dataset
from mnist_sum.inputs import check_examples
from mnist_sum.learning.layers import BatchNorm
from mnist_sum.learning.model import make_model
from mnist_sum.learning.network import Network

CHUNK = 1000  # images in a batch, of which the last twenty or so decide


def renew_statistics(network: Network, dataset: Dataset) -> Network:
    """Have the running statistics follow one pass over undistorted images; no weight changes.

    Training leaves those of distorted images, which are not what the network is used on. They begin
    at zero, which is made up for in the end, as Adam does: nothing of the old ones is left. Batches
    are of a thousand images; a last one that would be shorter is left out.
    Raises InputError for arrays of another shape or dtype than a Dataset's, and for no image.
    """
    check_examples("dataset", dataset)
    return _renew(network, dataset)


@jax.jit
def _renew(network: Network, dataset: Dataset) -> Network:
    images = jnp.asarray(dataset.image)
    chunk = min(CHUNK, len(images))
    recipe = dataclasses.replace(network.recipe, dropout_rate=0.0)
    params = network.variables["params"]
    apply = partial(
        make_model(recipe).apply, train=True, mutable="batch_stats", method="with_all_numbers"
    )

    def follow(statistics: dict, image: UInt8[Array, "chunk 28 28"]) -> tuple[dict, None]:
        _, updates = apply({"params": params, "batch_stats": statistics}, image)
        return updates["batch_stats"], None

    whole = images[: len(images) - len(images) % chunk].reshape(-1, chunk, 28, 28)
    nothing = jax.tree.map(jnp.zeros_like, network.variables["batch_stats"])
    statistics, _ = lax.scan(follow, nothing, whole)
    followed = 1 - BatchNorm.momentum ** len(whole)
    statistics = jax.tree.map(lambda x: x / followed, statistics)
    return network.replace(variables={"params": params, "batch_stats": statistics})
