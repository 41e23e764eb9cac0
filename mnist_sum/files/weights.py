"""Trained networks in files: safetensors, with the recipe and what is known of their training.

A file describes itself, as a checkpoint does: nobody has to know the recipe to load it. Its one
entry of metadata, "mnist_sum", is JSON; several would be written in an order that changes from
call to call, and the same network would not make the same file.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Shaped
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mnist_sum.errors import RecipeError, WeightsError
from mnist_sum.learning.model import make_model
from mnist_sum.learning.network import Network
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION

PRETRAINED = Path(__file__).parents[1] / "pretrained" / "best.safetensors"
FORMAT = 1  # of the metadata; a version reads the formats up to its own
METADATA = "mnist_sum"
FIELDS = {"version": str, "recipe": dict, "provenance": dict, "sha256": str}
CHECKPOINTS = "checkpoints"  # in the work folder of a run

Leaves = dict[str, Shaped[np.ndarray, "..."]]


def load_pretrained() -> Network:
    """Load the network that comes with the package; pretrained/README.md says what it can do."""
    return load_weights(PRETRAINED)


def load_weights(path: str | os.PathLike[str]) -> Network:
    """Load a network from a file that `save_weights` has written.

    Raises WeightsError for a file that is missing, damaged, of another network, or of a later
    version of this package.
    """
    path = Path(path)
    header, leaves = _read(path)
    try:
        recipe = Recipe(**header["recipe"])
    except (RecipeError, TypeError) as error:
        raise WeightsError(
            f"{path} was written by mnist_sum {header['version']}, by a recipe that version "
            f"{VERSION} cannot follow ({str(error).rstrip('.')}): install that one."
        ) from error
    _check(path, leaves, recipe)
    return Network(recipe, jax.device_put(unflatten_dict(leaves, sep="/")))


def load_run(folder: str | os.PathLike[str]) -> Network:
    """Load the network of the latest checkpoint in the work folder of `experiments.run`.

    Nothing in the folder is changed, and the run may still go on. Raises WeightsError.
    """
    folder = Path(folder)
    if not (folder / CHECKPOINTS).is_dir():
        raise WeightsError(_say_why_no_run(folder))
    # Not before it is needed: to import Orbax takes longer than to answer.
    from mnist_sum.errors import CheckpointError
    from mnist_sum.files.checkpoint import open_checkpoints, restore_latest

    try:
        with open_checkpoints(folder / CHECKPOINTS, clean=False) as checkpoints:
            checkpoint = restore_latest(checkpoints)
    except CheckpointError as error:
        raise WeightsError(str(error)) from error
    if checkpoint is None:
        raise WeightsError(f"{folder} has no checkpoint yet: train an epoch at least.")
    return Network(checkpoint.recipe, jax.device_put(checkpoint.state.variables))


def save_weights(
    network: Network, path: str | os.PathLike[str], provenance: Mapping[str, Any]
) -> None:
    """Save a network, with its recipe and where it comes from: anything that JSON can hold.

    The version of this package is noted as well, and a digest of it all. The same network and
    provenance make the same bytes. Raises WeightsError, and then leaves the file as it was.
    """
    path = Path(path)
    leaves = {
        name: np.asarray(leaf) for name, leaf in flatten_dict(network.variables, sep="/").items()
    }
    _check(path, leaves, network.recipe)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "recipe": dataclasses.asdict(network.recipe),
        "provenance": dict(provenance),
    }
    try:
        header["sha256"] = _digest(header, leaves)
        content = save(leaves, {METADATA: json.dumps(header, allow_nan=False)})
    except (TypeError, ValueError) as error:
        raise WeightsError(f"The provenance is nothing that JSON can hold ({error}).") from error
    partial_file = path.with_name(f".{path.name}.partial")
    try:
        partial_file.write_bytes(content)
        partial_file.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial_file.unlink()
        raise WeightsError(f"{path} cannot be written ({error.strerror}).") from error


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what a file of weights says about itself: its version, recipe and provenance.

    Raises WeightsError.
    """
    return _read(Path(path))[0]


def _read(path: Path) -> tuple[dict[str, Any], Leaves]:
    """Read the metadata and the arrays of a file that is whole, and of a format that is known."""
    if not path.is_file():
        raise WeightsError(_say_why_no_file(path))
    try:
        with safe_open(path, framework="numpy") as file:
            header = _parse(path, file.metadata() or {})
            leaves = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path} is no whole safetensors file ({reason}).") from error
    if header.pop("sha256") != _digest(header, leaves):
        raise WeightsError(f"{path} is damaged: it holds not what was saved; fetch it again.")
    return header, leaves


def _parse(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Take the metadata apart, and see that this version knows its format."""
    if METADATA not in metadata:
        raise WeightsError(
            f"{path} is of another network: it lacks the metadata {METADATA!r}, which "
            "save_weights writes."
        )
    damaged = WeightsError(f"{path} is damaged: its metadata cannot be read; fetch it again.")
    try:
        header = json.loads(metadata[METADATA])
        newer, writer = header["format"] > FORMAT, str(header["version"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged from error
    if newer:
        raise WeightsError(
            f"{path} was written by mnist_sum {writer} in format {header['format']}, and version "
            f"{VERSION} reads {FORMAT}: install that one."
        )
    if any(type(header.get(name)) is not kind for name, kind in FIELDS.items()):
        raise damaged
    return header


def _digest(header: Mapping[str, Any], leaves: Leaves) -> str:
    """Compute the SHA-256 of the metadata and of all arrays, with their names, shapes and types."""
    sha = hashlib.sha256(json.dumps(header, sort_keys=True, allow_nan=False).encode())
    for name, leaf in sorted(leaves.items()):
        sha.update(f"{name} {leaf.shape} {leaf.dtype}".encode())
        sha.update(leaf.tobytes())
    return sha.hexdigest()


@cache
def _shapes(recipe: Recipe) -> dict[str, jax.ShapeDtypeStruct]:
    """List the variables of a recipe's network by their paths; nothing is compiled."""
    inputs = jax.ShapeDtypeStruct((1, 28, 28), np.uint8), jax.ShapeDtypeStruct((1,), np.int32)
    initialize = partial(make_model(recipe).init, train=False)
    key = jax.eval_shape(lambda: jax.random.key(0))
    return flatten_dict(jax.eval_shape(initialize, key, *inputs), sep="/")


def _check(path: Path, leaves: Leaves, recipe: Recipe) -> None:
    """Raise WeightsError unless the arrays are all that the recipe's network has, and finite."""
    expected = _shapes(recipe)
    for name in sorted(expected.keys() | leaves.keys()):
        found, wanted = _describe(leaves.get(name)), _describe(expected.get(name))
        if found != wanted:
            raise WeightsError(
                f"{path} is of another network: {name} is {found} and must be {wanted}."
            )
        if not np.isfinite(leaves[name]).all():
            raise WeightsError(f"{path} is of no use: {name} holds what is not finite.")


def _describe(array: Any) -> str:
    return "missing" if array is None else f"{array.dtype}{list(array.shape)}"


def _say_why_no_file(path: Path) -> str:
    if (path / CHECKPOINTS).is_dir():
        return f"{path} is the work folder of a run, expected a file: load_run reads it."
    if path.exists():
        return f"{path} is no file, expected one that save_weights has written."
    return f"There is no file {path}: check its name."


def _say_why_no_run(folder: Path) -> str:
    seeds = sorted(path.parent for path in folder.glob(f"*/{CHECKPOINTS}"))
    if seeds:
        return f"{folder} holds several runs: name one of them, such as {seeds[0]}."
    if folder.is_file():
        return f"{folder} is a file, expected the work folder of a run: load_weights reads files."
    if folder.exists():
        return f"{folder} is no work folder of a run: it has no folder {CHECKPOINTS}."
    return f"There is no folder {folder}: check its name."
