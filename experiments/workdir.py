"""The work folder of a run: config.json, metrics.jsonl, curves.png, checkpoints/."""

import dataclasses
import json
from itertools import count
from pathlib import Path
from typing import Any

from experiments.arguments import UsageError
from mnist_sum.config import Config

CONFIG = "config.json"
METRICS = "metrics.jsonl"
CURVES = "curves.png"
REPORT = "report.md"
CHECKPOINTS = "checkpoints"


def next_free(name: str, root: Path = Path("runs")) -> Path:
    """Find the first of runs/NAME, runs/NAME-2, runs/NAME-3, ... that does not exist."""
    candidates = (root / (name if i == 1 else f"{name}-{i}") for i in count(1))
    return next(folder for folder in candidates if not folder.exists())


def begin(folder: Path, name: str, config: Config) -> None:
    """Make the folder and note the config in it; raises UsageError if it holds a run."""
    if (folder / CONFIG).exists():
        raise UsageError(f"The work folder {folder} already holds a run; choose another --workdir.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        description = {"name": name, "config": dataclasses.asdict(config)}
        write(folder / CONFIG, json.dumps(description, indent=2) + "\n")
    except OSError as error:
        raise UsageError(
            f"The work folder {folder} cannot be written ({error.strerror}); "
            "choose another --workdir."
        ) from None


def write_metrics(folder: Path, records: list[dict[str, Any]], name: str = METRICS) -> None:
    """Write one JSON object a line for every epoch so far."""
    write(folder / name, "".join(json.dumps(record) + "\n" for record in records))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a reader never sees half of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
