"""Weights of the original PyTorch network, from its `state_dict` to Flax variables and back.

Names and layouts are those of the original notebook, Session_3/Session_3.ipynb in
https://github.com/Code-Trees/END-GAME. Nothing here imports PyTorch; docs/export.md shows the way
there and back.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jaxtyping import Array, Int, Shaped

from mnist_sum.errors import WeightsError, describe
from mnist_sum.files.weights import check_arrays, check_finite, name_leaves, zeros_of
from mnist_sum.learning.model import init_variables
from mnist_sum.recipe import Recipe

THEIRS = {  # for what stands in our names
    "params/": "",
    "batch_stats/": "",
    "encoder/conv8/": "mnist_mode.convblock8.0.",
    "encoder/block": "mnist_mode.convblock",
    "adder/dense4/": "model2_out.",
    "adder/block": "layer",
    "/conv/": ".0.",
    "/dense/": ".0.",
    "/norm/": ".1.",
    "kernel": "weight",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}
AXES = {  # of ours, in PyTorch's order, by their number
    4: (3, 2, 0, 1),  # [height, width, in, out] -> [out, in, height, width]
    2: (1, 0),  # [in, out] -> [out, in]
    1: (0,),
}
COUNTER = "num_batches_tracked"  # every batch norm of PyTorch counts the training steps for itself


def from_torch(state_dict: object) -> tuple[dict[str, Any], int]:
    """Convert a state_dict of the original into Flax variables and the training steps behind them.

    It maps names to tensors or arrays of any floating type. Raises WeightsError.
    """
    if not isinstance(state_dict, Mapping):
        raise WeightsError(
            f"The weights are {describe(state_dict)}, expected a state_dict: give what "
            'torch.load(path, map_location="cpu", weights_only=True) returns.'
        )
    given = {name: _to_numpy(x) for name, x in state_dict.items()}
    zeros = zeros_of(init_variables, Recipe())
    check_arrays(given, to_torch(zeros, 0))
    check_finite(given)
    for name, array in given.items():
        if name.endswith("running_var") and array.min() < 0:
            raise WeightsError(f"{name} is negative ({array.min():g}), expected variances.")
    counts = {int(x) for name, x in given.items() if name.endswith(COUNTER)}
    if len(counts) > 1:
        raise WeightsError(f"{COUNTER} is {min(counts)} and {max(counts)}, expected one number.")
    leaves = {
        path: given[_torch_name(path)].transpose(np.argsort(AXES[zero.ndim])).copy()
        for path, zero in name_leaves(zeros).items()
    }
    return unflatten_dict(leaves, sep="/"), counts.pop()


def to_torch(
    variables: Mapping[str, Any], step: int | Int[Array, ""]
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Convert Flax variables, after so many steps, into a state_dict; raises WeightsError."""
    leaves = name_leaves(variables)
    check_arrays(leaves, name_leaves(zeros_of(init_variables, Recipe())))
    weights = {_torch_name(path): x.transpose(AXES[x.ndim]).copy() for path, x in leaves.items()}
    norms = [name for name in weights if name.endswith("running_mean")]
    counters = {name.replace("running_mean", COUNTER): np.array(step, np.int64) for name in norms}
    return weights | counters


def _to_numpy(x: Any) -> Shaped[np.ndarray, "..."]:
    """Copy a tensor or an array to NumPy, floating numbers as float32."""
    if hasattr(x, "detach"):  # a tensor; NumPy knows no bfloat16
        x = x.detach().cpu()
        x = x.float() if x.is_floating_point() else x
    array = np.asarray(x)
    if jnp.issubdtype(array.dtype, jnp.floating):
        with np.errstate(over="ignore"):  # that becomes infinity, which is refused
            return array.astype(np.float32)
    return array.astype(np.int64) if jnp.issubdtype(array.dtype, jnp.integer) else array


def _torch_name(path: str) -> str:
    """Translate a path: params/encoder/conv8/kernel is mnist_mode.convblock8.0.weight."""
    for ours, theirs in THEIRS.items():
        path = path.replace(ours, theirs)
    return path
