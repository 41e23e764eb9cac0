"""Data parallelism: every batch is split over the devices, everything else is on all of them."""

from collections.abc import Sequence
from typing import TypeVar

import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

DATA_AXIS = "data"

Tree = TypeVar("Tree")


def data_sharding(devices: Sequence[jax.Device]) -> NamedSharding:
    """Make the sharding of a batch: its first axis over all the given devices."""
    return NamedSharding(Mesh(np.array(devices), (DATA_AXIS,)), PartitionSpec(DATA_AXIS))


def replicate(tree: Tree, sharding: NamedSharding) -> Tree:
    """Put a copy of every array on each device of the sharding."""
    return jax.device_put(tree, NamedSharding(sharding.mesh, PartitionSpec()))


def keep_replicated(tree: Tree, sharding: NamedSharding | None) -> Tree:
    """Keep a copy of every array on each device, inside a jitted function."""
    if sharding is None:
        return tree
    return lax.with_sharding_constraint(tree, NamedSharding(sharding.mesh, PartitionSpec()))


def shard_batch(batch: Tree, sharding: NamedSharding | None) -> Tree:
    """Split a batch over the devices, inside a jitted function.

    A batch that does not divide by their number is left whole: each device then computes all of
    it, which gives the same result, only no faster.
    """
    size = len(jax.tree.leaves(batch)[0])
    if sharding is None or size % sharding.num_devices:
        return batch
    return lax.with_sharding_constraint(batch, sharding)
