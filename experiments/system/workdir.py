"""A run, and its work folder: its config, metrics, checkpoints, report and pictures."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import jax
from filelock import AcquireReturnProxy, FileLock, Timeout
from jax.sharding import Mesh

from experiments.configs import Config, fields_of, vary
from mnist_sum.data import Splits
from mnist_sum.errors import RecipeError, UsageError
from mnist_sum.files.weights import by_other_code
from mnist_sum.learning.sharding import data_mesh
from mnist_sum.outputs import MARK, unwritable, write_output
from mnist_sum.version import VERSION

CONFIG = "config.json"
METRICS = "metrics.jsonl"
REPORT = "report.md"
CURVES = "curves.png"
SAMPLES = "samples.png"
MODEL = "model.png"
CHECKPOINTS = "checkpoints"
LOCK = ".lock"
PICTURES = ("answers.png", "mistakes.png", "confusion_digit.png", "confusion_sum.png")
FILES = (CONFIG, METRICS, REPORT, CURVES, SAMPLES, MODEL, *PICTURES)
RUNS = Path("runs")

Records = list[dict[str, Any]]  # of a run: one an epoch


class Run(NamedTuple):
    """A config, where its results go, and what it computes on."""

    name: str
    config: Config
    folder: Path
    devices: list[jax.Device]
    splits: Splits
    """What to train on, and what to test on; on the host, or replicated over the mesh."""

    @property
    def mesh(self) -> Mesh:
        """The devices along the one axis over which batches are split."""
        return data_mesh(self.devices)


def choose(name: str, config: Config, resume: bool) -> Path:
    """Choose the folder of a run that names none, among runs/NAME, runs/NAME-2, runs/NAME-3, ...

    The first that holds an unfinished run of the same config, which nobody goes on with now; or
    else a new one, or to `resume` runs/NAME.
    """
    for i in count(1):
        folder = RUNS / (name if i == 1 else f"{name}-{i}")
        if not folder.exists():
            break
        with suppress(UsageError, OSError):
            unfinished = is_ours(folder / CONFIG) and not (folder / REPORT).exists()
            if unfinished and read_config(folder) == config:
                with lock(folder):
                    return folder
    return RUNS / name if resume else folder


@contextmanager
def hold(folder: Path, config: Config, resume: bool, go_on: str) -> Iterator[None]:
    """Make or take the folder of a run, and keep every other run out of it; raises UsageError."""
    make(folder)
    with lock(folder):
        if not resume:
            check_free(folder, config, go_on)
        begun = is_ours(folder / CONFIG)
        # Without its config.json, a run is known by what Orbax writes.
        if not (begun or (resume and any(folder.glob(f"{CHECKPOINTS}/*/_CHECKPOINT_METADATA")))):
            # The folder of checkpoints may be there, empty: a run has been stopped as it began.
            for path in (*map(folder.joinpath, FILES), *folder.glob(f"{CHECKPOINTS}/*")):
                if path.exists() or path.is_symlink():
                    raise UsageError(
                        f"{path} isn't from a run of this version and would be replaced; choose "
                        "another --workdir."
                    )
        yield


def check_free(folder: Path, config: Config, go_on: str) -> None:
    """Raise UsageError if a folder holds a run, with the command that goes on with it if it can."""
    if is_ours(folder / CONFIG):
        noted, done = read_config(folder), count_epochs(folder)
        raise UsageError(
            f"{folder} already holds a run, {done} of {noted.epochs} epochs done; choose another "
            f"--workdir{f', or continue it with: {go_on}' if noted == config else '.'}"
        )


def is_ours(path: Path) -> bool:
    """Whether a file is there and says that this package has made it."""
    with suppress(OSError):
        return MARK in path.read_bytes()
    return False


def make(folder: Path) -> None:
    """Make a folder that need not be new; raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def lock(folder: Path) -> AcquireReturnProxy:
    """Lock a folder; raises UsageError if it is locked, which the system undoes with a process."""
    try:
        return FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"The work folder {folder} is in use by another run; choose another --workdir."
        ) from None
    except OSError as error:
        raise unwritable(folder, error) from error


def note(folder: Path, name: str, config: Config, settings: Mapping[str, Any]) -> None:
    """Write down what is run in a folder, for people and for `read_config`; raises UsageError."""
    facts = {"name": name, MARK.decode(): VERSION, "config": fields_of(config)}
    write(folder / CONFIG, json.dumps(facts | {"settings": settings}, indent=2) + "\n")


def read_config(folder: Path) -> Config:
    path = folder / CONFIG
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return vary(Config(), **noted["config"])  # what is missing has its default
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error}).") from None
    except RecipeError as error:
        version = noted.get(MARK.decode(), "0.2 or earlier")
        raise UsageError(by_other_code(path, version, error)) from None
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path} is not that of a run ({error}).") from None


def read_run(folder: Path) -> tuple[Config, Records]:
    config, metrics = read_config(folder), folder / METRICS
    try:
        records = read_records(metrics)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise UsageError(f"{metrics} is not that of a run ({reason}).") from None
    if len(records) != config.epochs:
        raise UsageError(f"The run {folder} has {len(records)} of {config.epochs} epochs.")
    return config, records


def read_records(path: Path) -> Records:
    """Read a JSON object a line; raises OSError and ValueError."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def count_epochs(folder: Path) -> int:
    """Count the epochs whose metrics are in a folder, which need not exist."""
    path = folder / METRICS
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def write_metrics(folder: Path, records: Records, name: str = METRICS) -> None:
    """Write one JSON object a line for every epoch so far; raises UsageError."""
    write(folder / name, "".join(json.dumps(record) + "\n" for record in records))


def write(path: Path, content: str | bytes) -> None:
    """Write a file as a whole, and make the folder that it is in; raises UsageError."""
    data = content.encode() if isinstance(content, str) else content
    make(path.parent)
    write_output(path, lambda file: file.write(data))
