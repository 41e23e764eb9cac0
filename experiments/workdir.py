"""The work folder of a run: config.json, metrics.jsonl, curves.png, checkpoints/."""

import dataclasses
import json
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from experiments.arguments import UsageError
from mnist_sum.config import Config

CONFIG = "config.json"
METRICS = "metrics.jsonl"
REPORT = "report.md"
CURVES = "curves.png"
SAMPLES = "samples.png"
MODEL = "model.png"
CHECKPOINTS = "checkpoints"


def next_free(name: str, root: Path = Path("runs")) -> Path:
    """Make the first of runs/NAME, runs/NAME-2, runs/NAME-3, ... that does not exist."""
    for folder in (root / (name if i == 1 else f"{name}-{i}") for i in count(1)):
        with suppress(FileExistsError):  # also if another run makes it in this moment
            folder.mkdir(parents=True)
            return folder
    raise AssertionError


def begin(folder: Path | None, name: str, config: Config) -> Path:
    """Note the config in a folder that holds no run yet; a new one if none is given.

    Raises UsageError if it holds a run or cannot be written.
    """
    description = {"name": name, "config": dataclasses.asdict(config)}
    try:
        folder = folder or next_free(name)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / CONFIG).open("x") as file:
            file.write(json.dumps(description, indent=2) + "\n")
    except OSError as error:
        if isinstance(error, FileExistsError) and folder and folder.is_dir():
            reason = "already holds a run"
        else:
            reason = f"cannot be written ({error.strerror})"
        raise UsageError(f"The work folder {folder} {reason}; choose another --workdir.") from None
    return folder


def write_metrics(folder: Path, records: list[dict[str, Any]], name: str = METRICS) -> None:
    """Write one JSON object a line for every epoch so far."""
    write(folder / name, "".join(json.dumps(record) + "\n" for record in records))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a reader never sees half of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
