"""The recipe of a training: what its compiled program depends on, and what makes it a network."""

import dataclasses
import sys
from typing import Any, Literal, Self

from mnist_sum.errors import RecipeError
from mnist_sum.fields import Range, check_fields, check_names

NUM_DIGITS = 10
NUM_NUMBERS = 10
NUM_SUMS = NUM_DIGITS + NUM_NUMBERS - 1

FRACTION: Range = (lambda x: 0 <= x < 1, "in [0, 1)")
NOT_NEGATIVE: Range = (lambda x: 0 <= x <= sys.float_info.max, "finite and not negative")
RANGES: dict[str, Range] = {
    "batch_size": (lambda x: x >= 2, "at least 2, as batch norm needs a variance"),
    "learning_rate": (lambda x: 0 < x <= sys.float_info.max, "positive and finite"),
    "warmup": (lambda x: 0 < x < 1, "in (0, 1)"),
    "rotation": (lambda x: 0 <= x <= 180, "in [0, 180]"),
    **dict.fromkeys(("momentum", "dropout_rate", "scale"), FRACTION),
    **dict.fromkeys(("weight_decay", "digit_weight", "sum_weight", "shear"), NOT_NEGATIVE),
    "shift": (lambda x: 0 <= x <= 28, "in [0, 28], an image's side"),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained; `Recipe()` is that of the original PyTorch system.

    Attributes:
        numbers: Pair each training image with a number drawn once, with one drawn afresh for every
            batch, or with all ten.
        unseen_pairs: Keep one number for each digit out of training; needs fresh numbers.
        adder: The network's adder, or one without parameters: the digit's distribution, shifted.
        batch_size: Images in a step; the last batch of an epoch holds what is left over.
        learning_rate: Learning rate of stochastic gradient descent; with a schedule, its highest.
        schedule: The same learning rate for all steps, or one that rises and falls along cosines.
        warmup: Fraction of the steps in which one_cycle rises, in (0, 1).
        momentum: Momentum of stochastic gradient descent, as a fraction in [0, 1).
        nesterov: Use Nesterov's momentum instead of the plain one.
        weight_decay: Share of each kernel that is added to its gradient.
        dropout_rate: Fraction of the activations that dropout sets to zero, in [0, 1).
        digit_weight: Weight of the digit's loss in the total loss.
        sum_weight: Weight of the sum's loss in the total loss.
        shift: Move each training image by up to this many pixels, along both axes.
        rotation: Turn each training image by up to this many degrees, either way.
        scale: Stretch or shrink each training image by up to this fraction, each axis by itself.
        shear: Shear each training image by up to this many columns per row.

    """

    numbers: Literal["fixed", "fresh", "all"] = "fixed"
    unseen_pairs: bool = False
    adder: Literal["mlp", "exact"] = "mlp"
    batch_size: int = 128
    learning_rate: float = 0.01
    schedule: Literal["constant", "one_cycle"] = "constant"
    warmup: float = 0.3
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    dropout_rate: float = 0.01
    digit_weight: float = 1.0
    sum_weight: float = 1.0
    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Raise RecipeError for a field that does not exist, where __init__ raises TypeError."""
        check_names(cls, fields)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Raise RecipeError for a value of the wrong type or range, or that excludes another."""
        check_fields(self, RANGES)
        if self.unseen_pairs and self.numbers != "fresh":
            raise RecipeError("unseen_pairs needs numbers to be 'fresh'.")
