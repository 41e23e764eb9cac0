"""The errors that a user can mend, and the words that their messages share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

SHOWN = 80  # characters of a wrong value in a message


class UserError(Exception):
    """Something the user can mend: one sentence on what was wrong, expected, and to be done."""


class RecipeError(UserError, ValueError):
    """A recipe or config that cannot be followed."""


class InputError(UserError, ValueError):
    """Arrays or pictures that do not fit."""


class BlankError(InputError):
    """A picture without ink."""


class DataError(UserError):
    """A data set that is missing, damaged or not what it should be."""


class WeightsError(UserError, ValueError):
    """Weights or a checkpoint that cannot be read or written, or are of another network."""


class UsageError(UserError, ValueError):
    """A command that cannot be carried out."""


def show(value: object) -> str:
    """Write a value of any kind on one line, cut where it gets long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to write whole numbers of thousands of digits
        return f"of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def describe(x: Any) -> str:
    """Name an array as float32[2, 28, 28], anything else by its type."""
    if isinstance(x, (jax.Array, np.ndarray)):
        return f"{x.dtype}{list(x.shape)}"
    return f"of type {type(x).__name__}"


def reason_of(error: Exception) -> str:
    """Write an error's type and message on one line, cut where it gets long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".: ")


@contextmanager
def reasons_of_matplotlib() -> Iterator[None]:
    """Raise UsageError if Matplotlib cannot be imported for a setting or for want of a folder."""
    logger = logging.getLogger("matplotlib")
    logger.disabled = True  # or it would say the same in lines of its own
    try:
        yield
    except (OSError, ValueError) as error:
        reason, _, _ = str(error).partition(";")
        raise UsageError(
            f"{reason}: set MPLCONFIGDIR to a folder that can be written, and MPLBACKEND to agg."
        ) from error
    finally:
        logger.disabled = False
