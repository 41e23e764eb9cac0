"""The recipe of a run: one frozen dataclass, checked when it is made."""

import dataclasses
from typing import Literal

NUM_DIGITS = 10
NUM_NUMBERS = 10
NUM_SUMS = NUM_DIGITS + NUM_NUMBERS - 1


class ConfigError(ValueError):
    """A config that cannot be run; the message is one sentence for the user."""


@dataclasses.dataclass(frozen=True)
class Config:
    """The recipe of a run; the defaults are those of the original PyTorch system."""

    dataset: Literal["mnist", "sample"] = "mnist"
    """Full MNIST (60,000 + 10,000 images) or the embedded sample of it (4,000 + 1,000)."""
    train_examples: int | None = None
    """Train on the first so many images only; on all of them if not given."""
    numbers: Literal["fixed", "fresh"] = "fixed"
    """Numbers drawn once for each training image, or afresh for every batch."""
    seed: int = 1
    """Seed of the initial weights, the order of the images, fresh numbers and dropout."""
    epochs: int = 25
    """Passes over the training images."""
    batch_size: int = 128
    """Images in a step; the last batch of an epoch holds what is left over."""
    learning_rate: float = 0.01
    """Learning rate of stochastic gradient descent."""
    momentum: float = 0.9
    """Momentum of stochastic gradient descent, as a fraction in [0, 1)."""
    dropout_rate: float = 0.01
    """Fraction of the activations that dropout sets to zero, in [0, 1)."""
    digit_weight: float = 1.0
    """Weight of the digit's loss in the total loss."""
    sum_weight: float = 1.0
    """Weight of the sum's loss in the total loss."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value out of its range."""
        for name, meets, expected in (
            ("dataset", self.dataset in ("mnist", "sample"), "'mnist' or 'sample'"),
            ("numbers", self.numbers in ("fixed", "fresh"), "'fixed' or 'fresh'"),
            (
                "train_examples",
                self.train_examples is None or self.train_examples >= 2,
                "at least 2",
            ),
            ("seed", 0 <= self.seed < 2**32, "in 0 .. 4294967295"),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 2, "at least 2, as batch norm needs a variance"),
            ("learning_rate", 0 < self.learning_rate < float("inf"), "positive and finite"),
            ("momentum", 0 <= self.momentum < 1, "in [0, 1)"),
            ("dropout_rate", 0 <= self.dropout_rate < 1, "in [0, 1)"),
            ("digit_weight", 0 <= self.digit_weight < float("inf"), "finite and not negative"),
            ("sum_weight", 0 <= self.sum_weight < float("inf"), "finite and not negative"),
        ):
            if not meets:
                value = getattr(self, name)
                raise ConfigError(f"{name} is {value!r} and must be {expected}.")
