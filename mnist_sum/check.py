"""Checks of the arrays that a user hands to the library.

Shapes and dtypes are known before anything is computed: inside a jitted function they are checked
while it is traced, at no cost to its run. Values are checked where that costs no transfer worth
mentioning: those of numpy arrays, and the numbers that `predict` is to add.
"""

from typing import Any

import jax
import numpy as np

from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS

FIELDS = ("image", "digit", "number")  # of Dataset and of Batch
LIMITS = {"digit": NUM_DIGITS, "number": NUM_NUMBERS}
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
REALS = INTEGERS | {"float16", "bfloat16", "float32", "float64"}


class InputError(ValueError):
    """Arrays that do not fit; the message is one sentence: what came, and what was expected."""


def check_examples(name: str, examples: Any) -> None:
    """Raise InputError unless it is a whole Dataset or Batch of one image at least."""
    if getattr(examples, "_fields", None) != FIELDS:
        raise InputError(
            f"{name} is {describe(examples)}, expected one with the fields {', '.join(FIELDS)}."
        )
    check_images(f"{name}.image", examples.image)
    for field, limit in LIMITS.items():
        values = getattr(examples, field)
        check_integers(f"{name}.{field}", values, len(examples.image))
        if isinstance(values, np.ndarray):
            check_range(f"{name}.{field}", values, limit)


def check_images(name: str, image: Any) -> None:
    """Raise InputError unless it is an array of one image at least; its pixels are real numbers."""
    whole = is_array(image, REALS) and image.ndim == 3 and image.shape[1:] == (28, 28)
    if not whole or len(image) == 0:
        raise InputError(
            f"{name} is {describe(image)}, expected an array of real numbers of shape "
            "[batch, 28, 28], of one image at least."
        )


def check_integers(name: str, values: Any, count: int | None = None) -> None:
    """Raise InputError unless it is an array of integers, of so many if `count` is given."""
    if not is_array(values, INTEGERS) or values.ndim != 1 or count not in (None, len(values)):
        shape = "batch" if count is None else count
        raise InputError(
            f"{name} is {describe(values)}, expected an array of integers of shape [{shape}]."
        )


def check_range(name: str, values: jax.Array | np.ndarray, limit: int) -> None:
    """Raise InputError for a value outside of 0 .. limit - 1; fetches what is on a device.

    What is only traced has no values yet, and passes.
    """
    if isinstance(values, jax.core.Tracer):
        return
    values = np.asarray(values)
    wrong = values[(values < 0) | (values >= limit)]
    if wrong.size:
        raise InputError(f"{name} holds {wrong[0]}, expected 0 .. {limit - 1}.")


def is_array(x: Any, dtypes: set[str]) -> bool:
    """Say whether it is an array of numpy or JAX, in the machine's own order of bytes."""
    return isinstance(x, (jax.Array, np.ndarray)) and str(x.dtype) in dtypes


def describe(x: Any) -> str:
    """Name an array as float32[2, 28, 28], anything else by its type."""
    if isinstance(x, (jax.Array, np.ndarray)):
        return f"{x.dtype}{list(x.shape)}"
    return f"of type {type(x).__name__}"
