"""The named configs, variants of `base`: python -m experiments.run --config NAME trains one."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import tyro

from mnist_sum.errors import RecipeError
from mnist_sum.fields import check_fields, check_names
from mnist_sum.recipe import Recipe

RECIPE_FIELDS = {field.name for field in dataclasses.fields(Recipe)}


@dataclasses.dataclass(frozen=True)
class Config:
    """What decides a run: the recipe, which is compiled, and what only the run needs."""

    recipe: tyro.conf.OmitArgPrefixes[Recipe] = dataclasses.field(default_factory=Recipe)
    epochs: int = 25
    """Passes over the training images."""
    seed: int = 1
    """Seed of initial weights, image order, fresh numbers, distortions and dropout."""
    dataset: Literal["mnist", "sample"] = "mnist"
    """Full MNIST (60,000 + 10,000 images) or the embedded sample of it (4,000 + 1,000)."""
    train_examples: int | None = None
    """Train on the first N images only; on all of them if not given."""
    held_out: int = 0
    """Train without the last N training images and test on these, to choose a recipe by."""
    renew_statistics: bool = False
    """Compute batch norm's statistics anew after the last epoch, over the undistorted images."""

    def __post_init__(self) -> None:
        """Raise RecipeError for a value of the wrong type or out of its range."""
        check_fields(self, RANGES)


RANGES = {
    "train_examples": (lambda x: x >= 2, "at least 2"),
    "held_out": (lambda x: x >= 0, "at least 0"),
    "seed": (lambda x: 0 <= x < 2**32, "in 0 .. 4294967295"),
    "epochs": (lambda x: x >= 1, "at least 1"),
}


def vary(config: Config, /, **fields: Any) -> Config:
    """Replace some fields, of the run or of its recipe; raises RecipeError."""
    of_recipe = {name: fields.pop(name) for name in RECIPE_FIELDS & fields.keys()}
    check_names(Config, fields)
    recipe = dataclasses.replace(config.recipe, **of_recipe)
    return dataclasses.replace(config, recipe=recipe, **fields)


def fields_of(config: Config) -> dict[str, Any]:
    """List all fields, of the run and of its recipe, by name."""
    fields = dataclasses.asdict(config)
    return fields.pop("recipe") | fields


def list_differences(noted: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Name the fields or settings that are not as they were noted; empty if all are."""
    changed = [(name, x, now.get(name, "unknown")) for name, x in noted.items()]
    return ", ".join(f"{name} was {x!r} and is {y!r}" for name, x, y in changed if x != y)


def command_of(name: str, config: Config) -> str:
    """Write the command that trains a config, with the options that its name does not imply."""
    named, command = fields_of(named_config(name)), f"python -m experiments.run --config {name}"
    for field, value in fields_of(config).items():
        if value != named[field]:
            option = field.replace("_", "-")
            flag = f"--{option}" if value else f"--no-{option}"
            command += f" {flag}" if isinstance(value, bool) else f" --{option} {value}"
    return command


def base() -> Config:
    """Follow the original's recipe on full MNIST: SGD with momentum, numbers drawn once."""
    return Config()


def sample() -> Config:
    """Train on the embedded 5,000 images, offline, in a minute or two."""
    return vary(
        base(),
        dataset="sample",
        batch_size=100,  # a divisor of 4,000: no shorter batch to compile a second step for
        epochs=12,
        learning_rate=0.1,
        schedule="one_cycle",
        nesterov=True,
        weight_decay=5e-4,
        numbers="fresh",
    )


def smoke() -> Config:
    """Take a few steps, to see in seconds that everything works; they teach little."""
    return vary(sample(), epochs=2, train_examples=500)


def fast() -> Config:
    """Reach the original's accuracy in 3 epochs instead of 25, 1 to 4 minutes on one CPU core."""
    return vary(
        base(),
        epochs=3,
        batch_size=64,
        learning_rate=0.07,
        schedule="one_cycle",
        warmup=0.15,
        nesterov=True,
        weight_decay=5e-4,
        dropout_rate=0.0,
        numbers="all",
        shift=1.0,
        rotation=4.0,
        scale=0.04,
        shear=0.04,
    )


def best() -> Config:
    """Train longer on images distorted more, and renew statistics in the end: the best accuracy."""
    return vary(
        fast(),
        epochs=60,
        weight_decay=1e-3,
        shift=1.2,
        rotation=8.0,
        scale=0.08,
        shear=0.08,
        renew_statistics=True,
    )


STUDIES: dict[str, dict[str, Any]] = {  # what they change in `fast`, each to show one thing
    "fixed_numbers": {"numbers": "fixed"},  # each image with one number, as the original does
    "fresh_numbers": {"numbers": "fresh"},  # a number drawn for every batch
    "exact_adder": {"adder": "exact"},  # no parameters: the upper bound of what an adder can learn
    "sum_alone": {"numbers": "fresh", "digit_weight": 0.0},  # no digit's label
    "sum_alone_exact": {"numbers": "fresh", "digit_weight": 0.0, "adder": "exact"},
    "unseen_pairs": {"numbers": "fresh", "unseen_pairs": True},  # ten pairs not trained on
    "unseen_pairs_exact": {"numbers": "fresh", "unseen_pairs": True, "adder": "exact"},
}
CONFIGS = {make.__name__: make() for make in (base, sample, smoke, fast, best)}
CONFIGS |= {name: vary(fast(), **fields) for name, fields in STUDIES.items()}


def named_config(name: str) -> Config:
    """Look a config up by its name; raises RecipeError for one that does not exist."""
    if name not in CONFIGS:
        raise RecipeError(f"There is no config {name!r}; choose one of {', '.join(CONFIGS)}.")
    return CONFIGS[name]
