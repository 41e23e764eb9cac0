"""The recipe of a training: what its compiled program depends on, and what makes it a network."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_type_hints

from mnist_sum.errors import RecipeError, show

NUM_DIGITS = 10
NUM_NUMBERS = 10
NUM_SUMS = NUM_DIGITS + NUM_NUMBERS - 1


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are those of the original PyTorch system."""

    numbers: Literal["fixed", "fresh", "all"] = "fixed"
    """Pair each training image with a number drawn once, with one drawn afresh for every batch, or
    with all ten."""
    unseen_pairs: bool = False
    """Keep one number for each digit out of training; needs fresh numbers."""
    adder: Literal["mlp", "exact"] = "mlp"
    """The network's adder, or one without parameters: the digit's distribution, shifted."""
    batch_size: int = 128
    """Images in a step; the last batch of an epoch holds what is left over."""
    learning_rate: float = 0.01
    """Learning rate of stochastic gradient descent; with a schedule, its highest."""
    schedule: Literal["constant", "one_cycle"] = "constant"
    """The same learning rate for all steps, or one that rises and falls along cosines."""
    warmup: float = 0.3
    """Fraction of the steps in which one_cycle rises, in (0, 1)."""
    momentum: float = 0.9
    """Momentum of stochastic gradient descent, as a fraction in [0, 1)."""
    nesterov: bool = False
    """Nesterov's momentum instead of the plain one."""
    weight_decay: float = 0.0
    """Share of each kernel that is added to its gradient."""
    dropout_rate: float = 0.01
    """Fraction of the activations that dropout sets to zero, in [0, 1)."""
    label_smoothing: float = 0.0
    """Share of each label that is spread over all classes, in [0, 1)."""
    digit_weight: float = 1.0
    """Weight of the digit's loss in the total loss."""
    sum_weight: float = 1.0
    """Weight of the sum's loss in the total loss."""
    shift: float = 0.0
    """Move each training image by up to so many pixels, along both axes."""
    rotation: float = 0.0
    """Turn each training image by up to so many degrees, either way."""
    scale: float = 0.0
    """Stretch or shrink each training image by up to this fraction, each axis by itself."""
    shear: float = 0.0
    """Move the rows of each training image by up to so many columns for each row."""
    elastic: float = 0.0
    """Standard deviation in pixels of a smooth random displacement of each training image."""
    erase: int = 0
    """Side in pixels of a square of each training image that is set to zero."""

    def __post_init__(self) -> None:
        """Raise RecipeError for a value of the wrong type or out of its range."""
        check_fields(self, RANGES)
        if self.unseen_pairs and self.numbers != "fresh":
            raise RecipeError("unseen_pairs is True and needs numbers to be 'fresh'.")
        if self.adder == "exact" and self.label_smoothing:
            raise RecipeError(
                f"label_smoothing is {self.label_smoothing} and must be 0 for adder 'exact', "
                "which gives impossible sums no probability to spread the label over."
            )


Range = tuple[Callable[[Any], bool], str]


def isfinite(x: float) -> bool:
    """Say whether a number is finite as a float, which a whole number may be too large for."""
    return abs(x) <= sys.float_info.max


FRACTION: Range = (lambda x: 0 <= x < 1, "in [0, 1)")
NOT_NEGATIVE: Range = (lambda x: x >= 0 and isfinite(x), "finite and not negative")
RANGES: dict[str, Range] = {
    "batch_size": (lambda x: x >= 2, "at least 2, as batch norm needs a variance"),
    "learning_rate": (lambda x: x > 0 and isfinite(x), "positive and finite"),
    "warmup": (lambda x: 0 < x < 1, "in (0, 1)"),
    "momentum": FRACTION,
    "weight_decay": NOT_NEGATIVE,
    "dropout_rate": FRACTION,
    "label_smoothing": FRACTION,
    "digit_weight": NOT_NEGATIVE,
    "sum_weight": NOT_NEGATIVE,
    "shift": (lambda x: 0 <= x <= 28, "in [0, 28], the side of an image"),
    "rotation": (lambda x: 0 <= x <= 180, "in [0, 180]"),
    "scale": FRACTION,
    "shear": NOT_NEGATIVE,
    "elastic": NOT_NEGATIVE,
    "erase": (lambda x: 0 <= x <= 28, "in 0 .. 28, the side of an image"),
}


def recipe_of(fields: Mapping[str, Any]) -> Recipe:
    """Make a recipe of its fields as they were saved; one that is missing takes its default.

    Raises RecipeError for a field that no recipe has.
    """
    unknown = fields.keys() - {field.name for field in dataclasses.fields(Recipe)}
    if unknown:
        raise RecipeError(f"{', '.join(sorted(unknown))} is no field of a recipe.")
    return Recipe(**fields)


def check_fields(fields: Any, ranges: Mapping[str, Range]) -> None:
    """Raise RecipeError for a field of a dataclass of the wrong type or out of its range."""
    for name, kind in get_type_hints(type(fields)).items():
        value = getattr(fields, name)
        meets, expected = ranges.get(name, (lambda _: True, ""))
        if not is_of(value, kind):
            raise RecipeError(f"{name} is {show(value)} and must be {describe_type(kind)}.")
        if value is not None and not meets(value):
            raise RecipeError(f"{name} is {show(value)} and must be {expected}.")


def is_of(value: object, kind: Any) -> bool:
    """Say whether a value is of a field's type; True is no number, and 1 is a float."""
    if isinstance(kind, UnionType):
        return any(is_of(value, member) for member in get_args(kind))
    if isinstance(kind, type) and kind is not float:
        return type(value) is kind
    if kind is float:
        return type(value) in (int, float)
    return isinstance(value, str) and value in get_args(kind)


def describe_type(kind: Any) -> str:
    """Name a field's type in a sentence."""
    names = {int: "a whole number", float: "a number", bool: "True or False", NoneType: "None"}
    if kind in names:
        return names[kind]
    if isinstance(kind, type):
        return f"a {kind.__name__}"
    describe = describe_type if isinstance(kind, UnionType) else repr
    *others, last = map(describe, get_args(kind))
    return f"{', '.join(others)} or {last}"
