"""The work folder of a run: config.json, metrics.jsonl, curves.png, checkpoints/ and the report."""

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from filelock import AcquireReturnProxy, FileLock, Timeout

from experiments.configs import Config, config_of, fields_of, list_differences
from experiments.system.settings import list_changes
from mnist_sum.errors import RecipeError, UsageError
from mnist_sum.files.description import by_other_code
from mnist_sum.version import VERSION

CONFIG = "config.json"
METRICS = "metrics.jsonl"
REPORT = "report.md"
CURVES = "curves.png"
SAMPLES = "samples.png"
MODEL = "model.png"
CHECKPOINTS = "checkpoints"
LOCK = ".lock"


def next_free(name: str, root: Path = Path("runs")) -> Path:
    """Make the first of runs/NAME, runs/NAME-2, runs/NAME-3, ... that does not exist."""
    for folder in (root / (name if i == 1 else f"{name}-{i}") for i in count(1)):
        with suppress(FileExistsError):  # also if another run makes it in this moment
            folder.mkdir(parents=True)
            return folder
    raise AssertionError


@contextmanager
def hold(
    folder: Path | None, name: str, config: Config, settings: Mapping[str, Any], resume: bool
) -> Iterator[Path]:
    """Make or take a run's folder, and keep every other run out of it for as long as this one goes.

    Without a folder, a new one is made. With `resume`, the run that is there goes on, if there is
    one; otherwise a folder that holds a run is refused. Raises UsageError.
    """
    if folder is None and resume:
        raise UsageError("--resume needs --workdir, the folder of the run that is to go on.")
    try:
        folder = folder or next_free(name)
        folder.mkdir(parents=True, exist_ok=True)
        with acquired(folder):
            claim(folder, name, config, settings, resume)
            yield folder
    except BrokenPipeError:  # of what the run prints
        raise
    except OSError as error:
        raise unwritable(folder or Path("runs"), error) from error


def acquired(folder: Path) -> AcquireReturnProxy:
    """Lock a folder; raises UsageError if it is locked already.

    The system forgets a lock when its process ends. Where the file system has no such locks, the
    file itself is one: filelock removes it if its process is seen to have ended, on this machine.
    """
    path = folder / LOCK
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # once in a process is not enough to know it
        try:
            return FileLock(path).acquire(timeout=0)
        except Timeout:
            is_the_lock = any("flock" in str(warning.message) for warning in caught)
    way_on = f", or delete {path} if that run has ended" if is_the_lock else ""
    raise UsageError(
        f"The work folder {folder} is in use by another run; choose another --workdir{way_on}."
    )


def unwritable(folder: Path, error: OSError) -> UsageError:
    """Say that a folder cannot be written."""
    return UsageError(
        f"The work folder {folder} cannot be written ({error.strerror or error}); "
        "choose another --workdir."
    )


def claim(
    folder: Path, name: str, config: Config, settings: Mapping[str, Any], resume: bool
) -> None:
    """Note config and settings in a folder, or compare them with those that are noted there."""
    path = folder / CONFIG
    description = {
        "name": name,
        "version": VERSION,
        "config": fields_of(config),
        "settings": dict(settings),
    }
    if path.exists() and resume:
        noted = read_config(folder)
        check_config(f"The run in {folder}", fields_of(noted), config)
        check_settings(f"The run in {folder}", read_noted(path).get("settings", {}), settings)
        if noted == config:
            return
    elif path.exists() or (not resume and (folder / CHECKPOINTS).exists()):
        raise UsageError(
            f"The work folder {folder} already holds a run; choose another --workdir, or go on "
            "with that run by --resume."
        )
    write(path, json.dumps(description, indent=2) + "\n")


def check_config(what: str, noted: Mapping[str, Any], config: Config) -> None:
    """Raise UsageError if a run would go on with another config.

    There may be more epochs, if those that are done would have been the same with so many.
    """
    more, why = noted["epochs"] < config.epochs, ""
    if more and config.recipe.schedule == "one_cycle":
        why = ", and one_cycle lays its learning rates over all epochs"
    elif more and config.renew_statistics:
        why = ", and the statistics of what was its last are those of the end"
    elif more:
        noted = {**noted, "epochs": config.epochs}
    if differing := list_differences(noted, config):
        raise UsageError(f"{what} has another config: {differing}{why}.")


def check_settings(what: str, noted: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise UsageError if a run would go on under other settings of JAX, with other bits."""
    if changes := list_changes(noted, settings):
        raise UsageError(f"{what} was trained under other settings of JAX: {changes}.")


def read_config(folder: Path) -> Config:
    """Read the config that a run has noted; raises UsageError."""
    path = folder / CONFIG
    noted = read_noted(path)
    try:
        return config_of(noted["config"])
    except RecipeError as error:
        version = noted.get("version", "0.1 or earlier")
        raise UsageError(by_other_code(path, version, error)) from None
    except (LookupError, TypeError, AttributeError):
        raise UsageError(f"{path} is not that of a run, and is to be moved away.") from None


def read_noted(path: Path) -> Any:
    """Read what is noted in a file of JSON; raises UsageError."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error}).") from None
    except ValueError as error:
        raise UsageError(
            f"{path} is damaged ({error}): delete it, and a run with --resume writes it again."
        ) from None


def count_epochs(folder: Path) -> int:
    """Count the epochs whose metrics are in a folder, which need not exist."""
    path = folder / METRICS
    return len(path.read_text().splitlines()) if path.exists() else 0


def write_metrics(folder: Path, records: list[dict[str, Any]], name: str = METRICS) -> None:
    """Write one JSON object a line for every epoch so far."""
    write(folder / name, "".join(json.dumps(record) + "\n" for record in records))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole: no reader sees half of it, and no crash leaves it so."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
