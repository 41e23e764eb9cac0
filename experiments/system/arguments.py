"""Command lines: a named config, and an option for every field of it."""

import argparse
import contextlib
import dataclasses
import difflib
import io
import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import tyro

from experiments.configs import CONFIGS, Config, named_config
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code  # noqa: F401, until all have it from there

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LIKENESS = 0.75  # at least, of an option that is suggested
ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]+):/+", re.IGNORECASE
)  # C:/ is none; in a Path, one slash is left


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

    config: Annotated[Config, tyro.conf.arg(name="")]  # in the same list, without a prefix
    data: tyro.conf.OmitArgPrefixes[DataOptions] = DataOptions()


AnyOptions = TypeVar("AnyOptions", bound="DataclassInstance")
Options = TypeVar("Options", bound=ConfigOptions)


def parse(kind: type[Options], program: str, argv: Sequence[str]) -> tuple[str, Options]:
    """Parse a command line into the name of its config and its options.

    Raises UsageError or RecipeError, in one sentence; prints and exits 0 for --help.
    """
    chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    chooser.add_argument("--config", default="base")
    try:
        chosen, rest = chooser.parse_known_args(argv)
    except argparse.ArgumentError:
        chosen = None
    if chosen is None or not isinstance(chosen.config, str):  # argparse makes [] of --config=--
        raise UsageError("--config needs the name of a config.")
    return chosen.config, parse_options(
        kind,
        f"{program} --config {chosen.config}",
        rest,
        description=f"Configs: {', '.join(CONFIGS)}. Every option overrides one field.",
        default=kind(config=named_config(chosen.config)),
    )


def parse_options(
    kind: type[AnyOptions], program: str, argv: Sequence[str], **settings: Any
) -> AnyOptions:
    """Parse a command line by the fields of a dataclass; raises UsageError, in one sentence."""
    messages = io.StringIO()
    try:
        with contextlib.redirect_stderr(messages):
            prog = f"python -m experiments.{program}"
            return with_local_paths(tyro.cli(kind, prog=prog, args=argv, **settings))
    except SystemExit as stop:
        if stop.code == 0:
            raise
        raise UsageError(with_nearest(first_sentence(messages.getvalue()), kind)) from None


def with_nearest(message: str, kind: type) -> str:
    """Add to a message about unknown options the one that is most like the first of them."""
    unknown = re.match(r"Unrecognized options: (--[^,;= ]+)", message)
    options = ["--config", *option_names(kind)]
    word = unknown[1].replace("_", "-") if unknown else ""
    nearest = difflib.get_close_matches(word, options, n=1, cutoff=LIKENESS)
    return f"{message.partition(';')[0]}; is {nearest[0]} meant?" if nearest else message


def option_names(kind: type) -> Iterator[str]:
    """List the options that the fields of a dataclass make, and of those within it."""
    for name, field_kind in get_type_hints(kind).items():
        option = name.replace("_", "-")
        if dataclasses.is_dataclass(field_kind):
            yield from option_names(field_kind)  # type: ignore[arg-type]
        else:
            yield f"--{option}"
        if field_kind is bool:
            yield f"--no-{option}"


def with_local_paths(options: AnyOptions) -> AnyOptions:
    """Make of every path, also within others, one of this machine, with ~ expanded."""

    def local(name: str, value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return with_local_paths(value)
        if isinstance(value, tuple):
            return tuple(local(name, item) for item in value)
        return local_path(name, value) if isinstance(value, Path) else value

    values = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    return dataclasses.replace(options, **{name: local(name, x) for name, x in values.items()})


def local_path(name: str, path: Path) -> Path:
    """Expand the ~ of a path; raises UsageError for an address, which a path takes for a folder."""
    if address := ADDRESS.match(str(path)):
        shown = f"{address[1]}://{str(path)[address.end() :]}"
        raise UsageError(f"{name} is {shown} and must be on this machine: copy or mount it.")
    try:
        return path.expanduser()
    except RuntimeError:
        raise UsageError(f"{name} is {path}, and there is no such home folder.") from None


def first_sentence(framed: str) -> str:
    """Take the message out of tyro's frame, which goes on with a rule and general advice.

    The frame is of hyphens, with a rule before the message too, where stdout is not in UTF-8.
    """
    rows = [row.strip("│ ") for row in framed.splitlines()[1:]]
    message = " ".join(takewhile(lambda row: not is_rule(row), dropwhile(is_rule, rows)))
    of_config = re.fullmatch(r"Error parsing config(?:\.recipe)?: (.*)", message)
    if of_config:
        return of_config[1]
    return message.rstrip(".") + "; --help lists the options."


def is_rule(row: str) -> bool:
    """Say whether a row is a line across the frame."""
    return set(row) <= set("-─╰╯")
