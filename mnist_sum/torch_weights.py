"""Weights of the original PyTorch network, from its `state_dict` to Flax variables and back.

Names and layouts are those of the original notebook, Session_3/Session_3.ipynb in
https://github.com/Code-Trees/END-GAME. Nothing here imports PyTorch. With one of its checkpoints:

    state_dict = {k: v.numpy() for k, v in torch.load(path, weights_only=True).items()}
    variables, step = from_torch(state_dict)
    outputs = MnistSum().apply(variables, image, number, train=False)

and back, for `load_state_dict`:

    state_dict = {k: torch.from_numpy(v) for k, v in to_torch(variables, step).items()}
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Int, Shaped

from mnist_sum.model import MnistSum

LAYERS = {  # ours: the original's
    **{f"encoder/block{i}/conv": f"mnist_mode.convblock{i}.0" for i in range(1, 8)},
    **{f"encoder/block{i}/norm": f"mnist_mode.convblock{i}.1" for i in range(1, 8)},
    "encoder/conv8": "mnist_mode.convblock8.0",
    **{f"adder/block{i}/dense": f"layer{i}.0" for i in range(1, 4)},
    **{f"adder/block{i}/norm": f"layer{i}.1" for i in range(1, 4)},
    "adder/dense4": "model2_out",
}
ARRAYS = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}
AXES = {  # of ours, in PyTorch's order, by their number
    4: (3, 2, 0, 1),  # [height, width, in, out] -> [out, in, height, width]
    2: (1, 0),  # [in, out] -> [out, in]
    1: (0,),
}
COUNTERS = tuple(  # every batch norm of PyTorch counts the training steps for itself
    f"{theirs}.num_batches_tracked" for ours, theirs in LAYERS.items() if ours.endswith("norm")
)


class WeightsError(ValueError):
    """Weights that do not fit the network; the message is one sentence for the user."""


def from_torch(
    state_dict: Mapping[str, Shaped[np.ndarray, "..."]],
) -> tuple[dict[str, Any], int]:
    """Convert a state_dict of the original into Flax variables and the training steps behind them.

    Raises WeightsError for an entry that is missing, unknown, or of another shape or dtype, and
    for counts of steps that differ.
    """
    zeros = _zeros()
    _check(state_dict, _rename(zeros, 0))
    first, *others = COUNTERS
    for name in others:
        if state_dict[name] != state_dict[first]:
            raise WeightsError(
                f"{name} is {state_dict[name]}, expected {state_dict[first]} as in {first}."
            )
    leaves = {}
    for path, zero in zeros.items():
        array = state_dict[_torch_name(path)]
        leaves[path] = array.transpose(np.argsort(AXES[zero.ndim])).copy()
    return unflatten_dict(leaves, sep="/"), int(state_dict[first])


def to_torch(
    variables: Mapping[str, Any], step: int | Int[Array, ""]
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Convert Flax variables into a state_dict of the original; the inverse of `from_torch`.

    `step` is the number of training steps taken, as in TrainState. Raises WeightsError.
    """
    leaves = {path: np.asarray(x) for path, x in flatten_dict(variables, sep="/").items()}
    _check(leaves, _zeros())
    return _rename(leaves, int(step))


@cache
def _zeros() -> dict[str, Shaped[np.ndarray, "..."]]:
    """Make zeros for the model's variables, by their paths."""
    inputs = jnp.zeros((1, 28, 28)), jnp.zeros(1, int)
    initialize = partial(MnistSum().init, train=False)
    variables = jax.eval_shape(initialize, jax.random.key(0), *inputs)
    leaves = flatten_dict(variables, sep="/")
    return {path: np.zeros(leaf.shape, np.float32) for path, leaf in leaves.items()}


def _rename(
    leaves: Mapping[str, Shaped[np.ndarray, "..."]], step: int
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Give arrays the names and layouts of the original, and add its counts of steps."""
    weights = {_torch_name(path): x.transpose(AXES[x.ndim]).copy() for path, x in leaves.items()}
    return weights | {name: np.array(step, np.int64) for name in COUNTERS}


def _torch_name(path: str) -> str:
    """Translate a path: params/encoder/conv8/kernel is mnist_mode.convblock8.0.weight."""
    _, *layer, array = path.split("/")
    return f"{LAYERS['/'.join(layer)]}.{ARRAYS[array]}"


def _check(
    given: Mapping[str, Shaped[np.ndarray, "..."]],
    expected: Mapping[str, Shaped[np.ndarray, "..."]],
) -> None:
    """Raise WeightsError for the first entry that is not as expected."""
    for name, like in expected.items():
        if name not in given:
            raise WeightsError(f"{name} is missing, expected {_describe(like)}.")
        if _describe(given[name]) != _describe(like):
            raise WeightsError(f"{name} is {_describe(given[name])}, expected {_describe(like)}.")
    for name in given:
        if name not in expected:
            raise WeightsError(f"{name} is unknown: the network has no such entry.")


def _describe(array: Shaped[np.ndarray, "..."]) -> str:
    return f"{array.dtype}{list(array.shape)}"
