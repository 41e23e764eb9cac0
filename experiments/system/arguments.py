"""Command lines: a named config, and an option for every field of it."""

import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import tyro

from experiments.configs import CONFIGS, Config, named_config
from mnist_sum.data.dataset import local_path
from mnist_sum.terminal import exit_code

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where MNIST lies; none of it is needed for the embedded sample."""

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
    """The config; every other option overrides a field of it, or says where and how."""
    config: Annotated[Config, tyro.conf.arg(name="")]  # in the same list, without a prefix
    data: tyro.conf.OmitArgPrefixes[DataOptions] = DataOptions()


@dataclasses.dataclass(frozen=True)
class ConfigName:
    """The part of a command line that decides the defaults of all others."""

    config: str = "base"


Options = TypeVar("Options", bound="DataclassInstance")


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
        chosen, _ = tyro.cli(ConfigName, args=argv, return_unknown_args=True, add_help=False)
        settings["default"] = kind(name=chosen.config, config=named_config(chosen.config))
        settings["description"] = f"Configs: {', '.join(CONFIGS)}."
    parts = (word.partition("=") if word.startswith("--") else ("", "", word) for word in argv)
    words = [f"{option}{equals}{local_path(path)}" for option, equals, path in parts]
    return tyro.cli(kind, prog=f"python -m experiments.{program}", args=words, **settings)


def resume_command(argv: Sequence[str], folder: Path) -> str:
    """Write the command that goes on with a run in a folder, as a shell takes it."""
    more = [] if "--resume" in argv else ["--resume"]
    if not any(argument.startswith("--workdir") for argument in argv):
        more += ["--workdir", str(folder)]
    return shlex.join([sys.executable, "-m", "experiments.run", *argv, *more])
