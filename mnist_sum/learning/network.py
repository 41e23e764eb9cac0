"""A trained network: its weights, and the recipe that says how they are put to use."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import lax
from jaxtyping import Array, Real

from mnist_sum.data import Dataset
from mnist_sum.errors import InputError, describe
from mnist_sum.inputs import check_examples
from mnist_sum.learning.batch import all_numbers
from mnist_sum.learning.layers import BatchNorm
from mnist_sum.learning.model import MnistSum, make_model
from mnist_sum.recipe import Recipe

CHUNK = 1000  # images of which batch norm's statistics are taken at a time


class Network(struct.PyTreeNode):
    """What `predict` and `evaluate` take: weights, and the recipe that they were trained by.

    `variables` holds "params" and "batch_stats" as `MnistSum` takes them: those of a TrainState.
    The recipe is static: a jitted function that is given a network is compiled for it.
    """

    recipe: Recipe = struct.field(pytree_node=False)
    variables: dict[str, dict]

    @property
    def model(self) -> MnistSum:
        """The linen module that the weights are of."""
        return make_model(self.recipe)


def check_network(network: Any) -> None:
    """Raise InputError unless it is a Network of a recipe and variables."""
    fits = isinstance(network, Network) and isinstance(network.recipe, Recipe)
    if not (fits and isinstance(network.variables, Mapping) and "params" in network.variables):
        raise InputError(
            f"network is {describe(network)}, expected a Network of a recipe and of a state's "
            "variables: Network(recipe, state.variables)."
        )


def renew_statistics(network: Network, dataset: Dataset) -> Network:
    """Replace batch norm's running statistics by the mean of those of all batches.

    Training leaves the statistics of distorted images, which are not what the network is used on.
    Batches of a thousand undistorted images, each with all ten numbers, weigh alike; a remainder is
    dropped. torch.optim.swa_utils.update_bn does the same.
    Raises InputError for what is no Network, and for arrays of another shape or dtype than a
    Dataset's.
    """
    check_network(network)
    check_examples("dataset", dataset)
    return renew_unchecked(network, dataset)


@jax.jit
def renew_unchecked(network: Network, dataset: Dataset) -> Network:
    """Renew as `renew_statistics` does, which checks before."""
    images = jnp.asarray(dataset.image)
    chunk = min(CHUNK, len(images))
    undropped = network.replace(recipe=dataclasses.replace(network.recipe, dropout_rate=0.0))
    apply = partial(undropped.model.apply, train=True, mutable="batch_stats")
    params, running = network.variables["params"], network.variables["batch_stats"]
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
