"""Trained networks in files: safetensors, with the recipe and what is known of their training.

A file of weights, as a checkpoint, describes itself: nobody has to know the recipe to load it. Both
hold arrays by their names and one description, in JSON: the version of this package, the recipe,
where the arrays come from, and a SHA-256 of these three and the arrays. It is needed, as neither
Orbax nor safetensors notices a flipped bit in an array. Several entries of safetensors' metadata
would be written in an order that changes from call to call.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Shaped
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mnist_sum.errors import RecipeError, UsageError, WeightsError, describe
from mnist_sum.learning.model import init_variables
from mnist_sum.learning.network import Network, check_network
from mnist_sum.outputs import check_output, write_output
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION

PRETRAINED = Path(__file__).parents[1] / "pretrained" / "best.safetensors"
METADATA = "mnist_sum"
MARK = b'{"__metadata__":{"mnist_sum":'  # how such a file begins, after the length of this

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]


def load_pretrained() -> Network:
    """Load the network that comes with the package; pretrained/README.md says what it can do."""
    return load_weights(PRETRAINED)


def load_weights(path: str | os.PathLike[str]) -> Network:
    """Load what `save_weights` has written, or a run as `load_run` does; raises WeightsError."""
    return load_run(path) if Path(path).is_dir() else read_weights(path)[0]


def load_run(folder: str | os.PathLike[str]) -> Network:
    """Load the network of a run's latest checkpoint, changing nothing; raises WeightsError."""
    from mnist_sum.files.checkpoint import read_run  # takes longer to import than an answer takes

    checkpoint = read_run(Path(folder))
    return Network(checkpoint.recipe, jax.device_put(checkpoint.state.variables))


def save_weights(
    network: Network, path: str | os.PathLike[str], provenance: Mapping[str, Any] | None = None
) -> None:
    """Save a network, with its recipe and where it comes from: anything that JSON can hold.

    The same network and provenance make the same bytes. It replaces only files that it
    wrote itself. Raises WeightsError, and then leaves what is there as it was.
    """
    path = Path(path)
    content = pack(network, provenance or {})
    try:
        check_output(path, mark=MARK)
        write_output(path, lambda file: file.write(content))
    except UsageError as error:
        raise WeightsError(str(error)) from error


def pack(network: Network, provenance: Mapping[str, Any]) -> bytes:
    """Make the content of a file of weights; raises WeightsError, and InputError for no Network."""
    check_network(network)
    arrays = name_leaves(network.variables)
    check_arrays(arrays, name_leaves(zeros_of(init_variables, network.recipe)))
    check_finite(arrays)
    description = describe_arrays(network.recipe, provenance, arrays)
    return save(arrays, {METADATA: json.dumps(description)})


def read_weights(path: str | os.PathLike[str]) -> tuple[Network, dict[str, Any]]:
    """Load a network and its file's description of it; raises WeightsError."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no file or folder {path}: check its name.")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(METADATA)
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())} if text else {}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path} cannot be read as a file of weights ({reason}).") from error
    if not text:
        raise WeightsError(
            f"{path} was not written by save_weights: it lacks the metadata {METADATA!r}."
        )
    try:
        description = json.loads(text)
        check_whole(description, arrays)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged ({error}): fetch it again.") from error
    recipe, variables = restore_tree(path, description, arrays, init_variables)
    return Network(recipe, jax.device_put(variables)), description


def describe_arrays(
    recipe: Recipe, provenance: Mapping[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """Describe arrays; raises WeightsError for a provenance that JSON cannot hold."""
    fields = {"version": VERSION, "recipe": vars(recipe), "provenance": dict(provenance)}
    try:
        fields = json.loads(json.dumps(fields, allow_nan=False))  # as they will be read
    except (TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"The provenance holds what JSON cannot ({error}).") from error
    return fields | {"sha256": digest(fields, arrays)}


def check_whole(description: Any, arrays: Arrays) -> None:
    """Raise ValueError unless arrays and their description are those that were saved."""
    match description:
        case {"version": str(), "recipe": dict(), "provenance": dict(), "sha256": str(sha256)}:
            if sha256 != digest(description, arrays):
                raise ValueError("its content is not what was saved")
        case _:
            raise ValueError("its description cannot be read")


def restore_tree(
    path: Path, description: Mapping[str, Any], arrays: Arrays, create: Callable[..., Any]
) -> tuple[Recipe, Any]:
    """Put arrays that are whole into the tree that `create` makes of their recipe.

    A field that recipes no longer have is left out if it was off. Raises WeightsError if the code
    that wrote them knew another recipe, or made another tree of it.
    """
    try:
        noted = description["recipe"].items()
        recipe = Recipe(**{field: x for field, x in noted if x or hasattr(Recipe, field)})
        tree = zeros_of(create, recipe)
        names = name_leaves(tree)
        check_arrays(arrays, names)
    except (RecipeError, WeightsError) as error:
        raise WeightsError(by_other_code(path, description["version"], error)) from error
    return recipe, jax.tree.unflatten(jax.tree.structure(tree), [arrays[name] for name in names])


def by_other_code(path: Path, version: str, why: object) -> str:
    """Write the sentence about a whole file that another version wrote, or this one before."""
    changed = f" and cannot be used by {VERSION}"
    if version == VERSION:
        changed = ", whose code has changed since"
    reason = str(why).partition(";")[0].rstrip(".")  # without what to write instead
    return (
        f"{path} was written by mnist_sum {version}{changed}: {reason}; use it with the code that "
        "wrote it, or train again."
    )


def digest(description: Mapping[str, Any], arrays: Arrays) -> str:
    """Compute the SHA-256 of a description, but for its own, and of named arrays."""
    fields = {name: x for name, x in description.items() if name != "sha256"}
    sha = hashlib.sha256(json.dumps(fields, sort_keys=True, allow_nan=False).encode())
    for name, x in sorted(arrays.items()):
        sha.update(f"{name} {x.shape} {x.dtype}".encode())
        sha.update(x.tobytes())
    return sha.hexdigest()


def name_leaves(tree: Any) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Take a tree apart into arrays on the host, named like params/adder/dense4/bias."""
    leaves = jax.tree.leaves_with_path(jax.device_get(tree))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(x) for path, x in leaves
    }


def zeros_of(create: Callable[..., Any], recipe: Recipe) -> Any:
    """Make zeros in the shapes of what a recipe and a key make; nothing is compiled."""
    shapes = jax.eval_shape(lambda: create(recipe, jax.random.key(0)))
    return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)


def check_arrays(given: Arrays, expected: Arrays) -> None:
    """Raise WeightsError for the first array that is missing, unknown, or of another kind."""
    for name in {**expected, **given}:
        found = describe(given[name]) if name in given else "missing"
        wanted = describe(expected[name]) if name in expected else "nothing of this name"
        if found != wanted:
            raise WeightsError(f"{name} is {found}, expected {wanted}.")


def check_finite(arrays: Arrays) -> None:
    """Raise WeightsError for an array that holds NaN or infinity."""
    for name, x in arrays.items():
        if not np.isfinite(x).all():
            raise WeightsError(f"{name} holds NaN or infinity, expected finite numbers.")
