"""Checks of the fields of a dataclass that a user fills: names, types, ranges."""

import dataclasses
import difflib
import sys
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, get_args, get_type_hints

from mnist_sum.errors import RecipeError, show

Range = tuple[Callable[[Any], bool], str]
NAMES = {int: "a whole number", float: "a number", bool: "True or False", type(None): "None"}


def isfinite(x: float) -> bool:
    """Test that a number, which may be a whole one of any size, is finite as a float."""
    return abs(x) <= sys.float_info.max


def check_names(kind: type, fields: Mapping[str, Any]) -> None:
    """Raise RecipeError for the first field that a dataclass doesn't have; names the nearest."""
    names = [field.name for field in dataclasses.fields(kind)]
    for name in fields:
        if name not in names:
            nearest = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {nearest[0]}?" if nearest else f"it has {', '.join(names)}."
            raise RecipeError(f"A {kind.__name__.lower()} has no field {name}; {meant}")


def check_fields(fields: Any, ranges: Mapping[str, Range]) -> None:
    """Raise RecipeError for a field of a dataclass of the wrong type or out of its range."""
    for name, kind in get_type_hints(type(fields)).items():
        value = getattr(fields, name)
        meets, expected = ranges.get(name, (lambda _: True, ""))
        if not is_of(value, kind):
            expected = describe_type(kind)
        elif value is None or meets(value):
            continue
        raise RecipeError(f"{name} is {show(value)} and must be {expected}.")


def is_of(value: object, kind: Any) -> bool:
    """Test a value against a field's type; True is no number, and 1 will do for a float."""
    if isinstance(kind, UnionType):
        return any(is_of(value, member) for member in get_args(kind))
    if isinstance(kind, type):
        return type(value) is kind or (kind is float and type(value) is int)
    return isinstance(value, str) and value in get_args(kind)


def describe_type(kind: Any) -> str:
    """Name a field's type in a sentence."""
    if isinstance(kind, type):
        return NAMES.get(kind, f"a {kind.__name__}")
    describe = describe_type if isinstance(kind, UnionType) else repr
    *others, last = map(describe, get_args(kind))
    return f"{', '.join(others)} or {last}"
