"""Command lines: a named config, an option for every field of it, and the data they lead to."""

import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from experiments.configs import CONFIGS, Config, named_config
from mnist_sum.data import Dataset, Splits, load
from mnist_sum.data.dataset import local_path
from mnist_sum.errors import RecipeError
from mnist_sum.learning.epoch import count_steps
from mnist_sum.terminal import exit_code


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where MNIST is; the embedded sample needs none of this."""

    data_dir: Path | None = None
    """Folder of prepared data sets; that of tensorflow-datasets if not given."""
    manual_dir: Path | None = None
    """Folder with the four original files of MNIST; DATA_DIR/downloads/manual if not given."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfigOptions:
    """What every command takes; a command adds its own options in a subclass.

    --help lists a command's own ones first, then those of the fields here that are classes.
    """

    name: Annotated[str, tyro.conf.arg(name="config")] = "base"
    """The config; other options override its fields, or say where and how to run."""
    config: Annotated[Config, tyro.conf.arg(name="")]  # in the same list, without a prefix
    data: tyro.conf.OmitArgPrefixes[DataOptions] = DataOptions()


Options = TypeVar("Options")


def command(
    kind: type[Options], program: str, run: Callable[[Options], None]
) -> Callable[[Sequence[str]], int]:
    """Make what runs a command by its command line and returns its exit code."""
    return lambda argv: exit_code(lambda: run(parse(kind, program, argv)))


def parse(kind: type[Options], program: str, argv: Sequence[str]) -> Options:
    """Parse a command line by the fields of a dataclass.

    Raises SystemExit after a help text, or after saying what is wrong; DataError for a path that is
    not on this machine; RecipeError for a config, or a value in one, that does not exist.
    """
    settings: dict[str, Any] = {}
    if issubclass(kind, ConfigOptions):
        name, _ = tyro.cli(find_name, args=argv, return_unknown_args=True, add_help=False)
        settings["default"] = kind(name=name, config=named_config(name))
        settings["description"] = f"Configs: {', '.join(CONFIGS)}."
    parts = (word.partition("=") if word.startswith("--") else ("", "", word) for word in argv)
    words = [f"{option}{equals}{local_path(path)}" for option, equals, path in parts]
    return tyro.cli(kind, prog=f"python -m experiments.{program}", args=words, **settings)


def find_name(config: str = "base") -> str:
    """Return the option that decides the defaults of all others."""
    return config


def resume_command(argv: Sequence[str], folder: Path) -> str:
    """Write the command that goes on with a run in a folder, as a shell takes it."""
    more = [] if "--resume" in argv else ["--resume"]
    if not any(argument.startswith("--workdir") for argument in argv):
        more += ["--workdir", str(folder)]
    return shlex.join([sys.executable, "-m", "experiments.run", *argv, *more])


def load_splits(options: ConfigOptions) -> Splits:
    """Load the images that a config trains on, and those that it is tested on or holds out."""
    config = options.config
    train, test = load(config.dataset, options.data.data_dir, options.data.manual_dir)
    train = Dataset(*(x[: config.train_examples] for x in train))
    if config.held_out:
        rest = len(train.digit) - config.held_out
        if rest < 2:
            images = f"{len(train.digit)} images"
            raise RecipeError(f"held_out is {config.held_out} but must leave 2 of {images}.")
        test = Dataset(*(x[rest:] for x in train))
        train = Dataset(*(x[:rest] for x in train))
    count_steps(config.recipe, len(train.digit))  # raises for a last batch of one image
    return Splits(train, test)
