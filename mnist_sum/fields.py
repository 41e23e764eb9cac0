"""Checks of the fields of a dataclass that a user fills: names, types, ranges."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args, get_type_hints

from mnist_sum.errors import RecipeError, show

Range = tuple[Callable[[Any], bool], str]
NAMES = {int: "a whole number", float: "a number", bool: "True or False", type(None): "None"}


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
        value, options = getattr(fields, name), get_args(kind) or (kind,)
        meets, expected = ranges.get(name, (lambda _: True, ""))
        types = {*options, int} if float in options else options  # True is no number
        if type(value) not in types and not (type(value) is str and value in options):
            expected = name_options(options)
        elif value is None or meets(value):
            continue
        raise RecipeError(f"{name} is {show(value)} but must be {expected}.")


def name_options(options: Iterable[Any]) -> str:
    """Name types and literals in a sentence."""
    names = [NAMES.get(x, f"a {x.__name__}") if isinstance(x, type) else repr(x) for x in options]
    return ", ".join([*names[:-2], " or ".join(names[-2:])])
