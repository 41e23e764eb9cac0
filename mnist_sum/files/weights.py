"""Trained networks in files: safetensors, with the recipe and what is known of their training.

A file describes itself, as a checkpoint does: nobody has to know the recipe to load it. Its one
entry of metadata, "mnist_sum", is JSON; several would be written in an order that changes from
call to call, and the same network would not make the same file.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mnist_sum.errors import UsageError, WeightsError
from mnist_sum.files.description import (
    check_arrays,
    check_finite,
    check_whole,
    describe_arrays,
    name_leaves,
    restore_tree,
    variables_like,
)
from mnist_sum.learning.network import Network, check_network
from mnist_sum.outputs import check_output, write_output

PRETRAINED = Path(__file__).parents[1] / "pretrained" / "best.safetensors"
METADATA = "mnist_sum"
MARK = b'{"__metadata__":{"mnist_sum":'  # how such a file begins, after the length of this


def load_pretrained() -> Network:
    """Load the network that comes with the package; pretrained/README.md says what it can do."""
    return load_weights(PRETRAINED)


def load_weights(path: str | os.PathLike[str]) -> Network:
    """Load a network from a file that `save_weights` has written.

    Raises WeightsError for a file that is missing, damaged, of another network, or written by code
    that this version cannot follow.
    """
    return read_weights(path)[0]


def load_run(folder: str | os.PathLike[str]) -> Network:
    """Load the network of the latest checkpoint in the work folder of `experiments.run`.

    Nothing in the folder is changed, and the run may still go on. Raises WeightsError.
    """
    # Not before it is needed: importing Orbax takes longer than an answer.
    from mnist_sum.files.checkpoint import read_run

    checkpoint = read_run(Path(folder))
    return Network(checkpoint.recipe, jax.device_put(checkpoint.state.variables))


def save_weights(
    network: Network, path: str | os.PathLike[str], provenance: Mapping[str, Any]
) -> None:
    """Save a network, with its recipe and where it comes from: anything that JSON can hold.

    The version of this package is noted as well, and a digest of it all. The same network and
    provenance make the same bytes. A file that this function has written before is replaced, no
    other one. Raises WeightsError, and then leaves what is there as it was.
    """
    path = Path(path)
    content = pack(network, provenance)
    try:
        check_output(path, mark=MARK)
        write_output(path, lambda file: file.write(content))
    except UsageError as error:
        raise WeightsError(str(error)) from error


def pack(network: Network, provenance: Mapping[str, Any]) -> bytes:
    """Make the content of a file of weights; raises WeightsError, and InputError for no Network."""
    check_network(network)
    arrays = name_leaves(network.variables)
    check_arrays(arrays, name_leaves(variables_like(network.recipe)))
    check_finite(arrays)
    description = describe_arrays(network.recipe, provenance, arrays)
    return save(arrays, {METADATA: json.dumps(description)})


def read_weights(path: str | os.PathLike[str]) -> tuple[Network, dict[str, Any]]:
    """Load a network and what its file says of it: version, recipe and provenance.

    Raises WeightsError.
    """
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, expected a file; load_run reads that of a run.")
    if not path.is_file():
        raise WeightsError(f"There is no file {path}: check its name.")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(METADATA)
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())} if text else {}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path} cannot be read as safetensors ({reason}).") from error
    if not text:
        raise WeightsError(
            f"{path} is of another network: it lacks the metadata {METADATA!r}, which "
            "save_weights writes."
        )
    try:
        description = json.loads(text)
        check_whole(description, arrays)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged ({error}): fetch it again.") from error
    recipe, variables = restore_tree(path, description, arrays, variables_like)
    return Network(recipe, jax.device_put(variables)), description
