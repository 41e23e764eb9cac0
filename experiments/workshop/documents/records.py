"""What is recorded under experiments/results/."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.configs import CONFIGS
from experiments.report.records import Records
from mnist_sum.errors import UsageError

RESULTS = "experiments/results"
Runs = dict[int, Records]  # of one config, by seed


def read_runs(folder: Path) -> Runs:
    """Read the records of each seed, the lowest first."""
    files = {int(path.stem.removeprefix("seed-")): path for path in folder.glob("seed-*.jsonl")}
    return {
        seed: [read_json(path, line) for line in path.read_text().splitlines()]
        for seed, path in sorted(files.items())
    }


def recorded(records: Path) -> dict[str, Runs]:
    """Read what there is of each config, in the order of the configs."""
    runs = {name: read_runs(records / name) for name in CONFIGS}
    return {name: of_config for name, of_config in runs.items() if of_config}


def read_benches(records: Path) -> Iterator[tuple[str, Any]]:
    """Read what the bench has recorded, with the name of each file."""
    for path in sorted((records / "bench").glob("*.json")):
        yield path.name, read_json(path, path.read_text())


def read_json(path: Path, text: str) -> Any:
    """Read what a file, or a line of it, holds; raises UsageError if it is damaged."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is damaged ({error}).") from None
