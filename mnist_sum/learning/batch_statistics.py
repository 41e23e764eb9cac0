"""Batch norm's statistics, taken once more when training is done: over images as they are."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Real

from mnist_sum.data import Dataset
from mnist_sum.inputs import check_examples
from mnist_sum.learning.batch import all_numbers
from mnist_sum.learning.layers import BatchNorm
from mnist_sum.learning.network import Network, check_network

CHUNK = 1000  # images in a batch


def renew_statistics(network: Network, dataset: Dataset) -> Network:
    """Replace the running statistics by the mean of those of all batches; no weight changes.

    Training leaves the statistics of distorted images, which are not what the network is used on.
    Batches are of a thousand images, each with all ten numbers, and weigh alike; what is left over
    is left out. It is what torch.optim.swa_utils.update_bn does.
    Raises InputError for what is no Network, and for arrays of another shape or dtype than a
    Dataset's.
    """
    check_network(network)
    check_examples("dataset", dataset)
    return _renew(network, dataset)


@jax.jit
def _renew(network: Network, dataset: Dataset) -> Network:
    images = jnp.asarray(dataset.image)
    chunk = min(CHUNK, len(images))
    undropped = network.replace(recipe=dataclasses.replace(network.recipe, dropout_rate=0.0))
    params, running = network.variables["params"], network.variables["batch_stats"]
    apply = partial(undropped.model.apply, train=True, mutable="batch_stats")
    zeros = jax.tree.map(jnp.zeros_like, running)

    def statistics(image: Real[Array, "chunk 28 28"]) -> dict:
        """Let running statistics of zero take their share of a batch's."""
        variables = {"params": params, "batch_stats": zeros}
        _, updates = apply(variables, image, all_numbers(chunk))
        return updates["batch_stats"]

    whole = images[: len(images) - len(images) % chunk].reshape(-1, chunk, 28, 28)
    shares = lax.map(statistics, whole)
    batch_stats = jax.tree.map(lambda x: x.mean(0) / (1 - BatchNorm.momentum), shares)
    return network.replace(variables={"params": params, "batch_stats": batch_stats})
