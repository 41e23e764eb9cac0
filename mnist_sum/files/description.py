"""What a checkpoint and a file of weights say of themselves, and how damage to either is noticed.

Both hold arrays by their names and one description, in JSON: the version of this package, the
recipe, where the arrays come from, and a SHA-256 of these three and the arrays. It is needed, as
neither Orbax nor safetensors notices a flipped bit in an array.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Shaped

from mnist_sum.errors import RecipeError, WeightsError, describe
from mnist_sum.learning.model import make_model
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION

FIELDS = {"version": str, "recipe": dict, "provenance": dict, "sha256": str}

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]
Tree = TypeVar("Tree")


def describe_arrays(
    recipe: Recipe, provenance: Mapping[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """Describe arrays; raises WeightsError for a provenance that JSON cannot hold."""
    recipe_fields = dataclasses.asdict(recipe)
    fields = {"version": VERSION, "recipe": recipe_fields, "provenance": dict(provenance)}
    try:
        fields = json.loads(json.dumps(fields, allow_nan=False))  # as they will be read
    except (TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"The provenance holds what JSON cannot ({error}).") from error
    return fields | {"sha256": digest(fields, arrays)}


def check_whole(description: Any, arrays: Arrays) -> None:
    """Raise ValueError unless arrays and their description are those that were saved."""
    if not isinstance(description, dict) or any(
        type(description.get(name)) is not kind for name, kind in FIELDS.items()
    ):
        raise ValueError("its description cannot be read")
    if description["sha256"] != digest(description, arrays):
        raise ValueError("its content is not what was saved")


def restore_tree(
    path: Path, description: Mapping[str, Any], arrays: Arrays, like: Callable[[Recipe], Tree]
) -> tuple[Recipe, Tree]:
    """Put arrays that are whole into the tree that their recipe has.

    Raises WeightsError if the code that wrote them knew another recipe, or made another tree of it.
    """
    try:
        recipe = Recipe(**description["recipe"])
        tree = like(recipe)
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


@cache
def variables_like(recipe: Recipe) -> dict[str, dict]:
    """Make zeros in the shapes of a network's variables, on the host; nothing is compiled."""
    inputs = jax.ShapeDtypeStruct((1, 28, 28), np.uint8), jax.ShapeDtypeStruct((1,), np.int32)
    initialize = partial(make_model(recipe).init, train=False)
    return zeros_like(jax.eval_shape(initialize, jax.eval_shape(jax.random.key, 0), *inputs))


def zeros_like(shapes: Tree) -> Tree:
    """Make zeros on the host, where only shapes and types are known."""
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
