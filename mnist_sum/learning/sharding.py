"""Data parallelism: every batch is split over the devices, everything else is on all of them."""

from collections.abc import Sequence
from typing import TypeVar

import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Shaped

DATA_AXIS = "data"
EVERYWHERE = PartitionSpec()
SPLIT = PartitionSpec(DATA_AXIS)

Tree = TypeVar("Tree")


def data_mesh(devices: Sequence[jax.Device]) -> Mesh:
    """Line the devices up along the one axis over which batches are split."""
    return Mesh(np.array(devices), (DATA_AXIS,))


def replicate(tree: Tree, mesh: Mesh) -> Tree:
    """Put a copy of every array on each device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, EVERYWHERE))


def split_axis(size: int, mesh: Mesh | None) -> str | None:
    """Name the axis to split a batch of this size over; None to leave it whole.

    A batch that does not divide by the number of devices is computed whole by each of them, which
    gives the same result, only no faster; a single device has nobody to meet.
    """
    splits = mesh is not None and mesh.size > 1 and size % mesh.size == 0
    return DATA_AXIS if splits else None


def own_part(rows: Shaped[Array, "batch ..."], axis_name: str | None) -> Shaped[Array, "part ..."]:
    """Take this device's part of a batch, inside of shard_map; all of it without an axis."""
    if axis_name is None:
        return rows
    part = len(rows) // lax.axis_size(axis_name)
    return lax.dynamic_slice_in_dim(rows, lax.axis_index(axis_name) * part, part)
