"""Weights of the original PyTorch network, from its `state_dict` to Flax variables and back.

Names and layouts are those of the original notebook, Session_3/Session_3.ipynb in
https://github.com/Code-Trees/END-GAME. Nothing here imports PyTorch. With one of its checkpoints:

    variables, step = from_torch(torch.load(path, map_location="cpu", weights_only=True))
    outputs = MnistSum().apply(variables, image, number, train=False)

and back, for `load_state_dict`:

    state_dict = {k: torch.from_numpy(v) for k, v in to_torch(variables, step).items()}
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, partial
from os import PathLike
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Int, Shaped

from mnist_sum.errors import WeightsError
from mnist_sum.learning.model import MnistSum

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
AVERAGED = "n_averaged"  # torch.optim.swa_utils.AveragedModel adds it to the network's entries


def from_torch(state_dict: object) -> tuple[dict[str, Any], int]:
    """Convert a state_dict of the original into Flax variables and the training steps behind them.

    A mapping of names to tensors or arrays of any floating type; what wraps it is taken off: the
    rest of a checkpoint, and a prefix before all names, as `module.` or `_orig_mod.`. Raises
    WeightsError for anything else, for an entry that is missing, unknown, of another shape or not
    finite, and for counts of steps that differ.
    """
    given = {name: _to_numpy(x) for name, x in _unwrap(state_dict).items()}
    zeros = _zeros()
    _check(given, _rename(zeros, 0))
    for name, array in given.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{name} holds NaN or infinity, expected finite numbers.")
        if name.endswith("running_var") and array.min() < 0:
            raise WeightsError(f"{name} is negative ({array.min():g}), expected variances.")
    first, *others = COUNTERS
    for name in others:
        if given[name] != given[first]:
            raise WeightsError(f"{name} is {given[name]}, expected {given[first]} as in {first}.")
    leaves = {
        path: given[_torch_name(path)].transpose(np.argsort(AXES[zero.ndim])).copy()
        for path, zero in zeros.items()
    }
    return unflatten_dict(leaves, sep="/"), int(given[first])


def to_torch(
    variables: Mapping[str, Any], step: int | Int[Array, ""]
) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Convert Flax variables into a state_dict of the original; the inverse of `from_torch`.

    `step` is the number of training steps taken, as in TrainState. Raises WeightsError.
    """
    leaves = {path: np.asarray(x) for path, x in flatten_dict(variables, sep="/").items()}
    _check(leaves, _zeros())
    return _rename(leaves, int(step))


def _unwrap(given: object) -> dict[str, Any]:
    """Find the network's entries in what torch.load gives; raises WeightsError."""
    if isinstance(given, str | PathLike):
        raise WeightsError(
            f"{str(given)!r} is a path, expected a state_dict: give what "
            'torch.load(path, map_location="cpu", weights_only=True) returns.'
        )
    if not isinstance(given, Mapping):
        raise WeightsError(
            f"The weights are of type {type(given).__name__}, expected a mapping of names to "
            "arrays: give what the network's state_dict() returns."
        )
    found = {path: entries for path, entries in _mappings(given) if _prefixes(entries)}
    if len(found) > 1:
        places = " and ".join(map(repr, found))
        raise WeightsError(f"Weights of the network are under {places}: give one of them.")
    if not found:
        others = len(_rename(_zeros(), 0)) - 1
        raise WeightsError(
            f"The state_dict {_begin(given)}, expected '{LAYERS['encoder/block1/conv']}.weight' "
            f"and {others} more: give what the original network's state_dict() returns."
        )
    (entries,) = found.values()
    prefix = _prefixes(entries).most_common(1)[0][0]
    return {str(k).removeprefix(prefix): x for k, x in entries.items() if k != AVERAGED}


def _begin(given: Mapping[Any, Any]) -> str:
    """Say what is in a mapping that is not the network's."""
    if not given:
        return "is empty"
    return f"begins with {str(next(iter(given)))!r} and has no entry of the original network"


def _mappings(given: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Go through a mapping and those within it, each with where it is."""
    yield path, given
    for name, x in given.items():
        if isinstance(x, Mapping):
            yield from _mappings(x, f"{path}.{name}".lstrip("."))


def _prefixes(given: Mapping[Any, Any]) -> Counter[str]:
    """Count what stands before the names of the network's entries, often nothing."""
    return Counter(
        str(name).removesuffix(ours)
        for ours in _rename(_zeros(), 0)
        for name in given
        if f".{name}".endswith(f".{ours}")
    )


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
