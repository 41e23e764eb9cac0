"""The parts of a GPU's report: what each runs, and what it reads from it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from experiments.report.records import read_run
from experiments.system.device import whole_call_flag

Figures = dict[str, Any]
RUN = ("-m", "experiments.run")
SEEDS = 10
EPOCHS = 5  # of base, where ways to compute are compared
FIELDS = ["epoch", "train", "test"]  # of a record: what is no time


class Call(Protocol):
    """Runs Python in a process of its own and returns what it prints, kept as a log."""

    def __call__(self, label: str, *arguments: str, **environment: str) -> str: ...


class Work(NamedTuple):
    """What a part has to work with."""

    call: Call
    folder: Path
    """For its runs."""
    data: tuple[str, ...]
    """Options that say where the data is."""
    small: bool


def train(work: Work, label: str, *options: str, config: str = "base") -> Figures:
    """Train once, in a folder of its own; says how long it took and what it reached."""
    config = "smoke" if work.small else config
    folder = str(work.folder / label)
    where = ("--workdir", folder, "--resume", *work.data)
    printed = work.call(label, *RUN, "--config", config, *where, *options)
    _, records = read_run(Path(folder))
    compiled = re.search(r"Compiled in ([\d.]+) s", printed)
    first = re.search(r"Device: +(.*)", printed)
    seconds = sorted(record["seconds"] for record in records)
    return {
        "device": first[1] if first else None,
        "compile seconds": float(compiled[1]) if compiled else None,
        "epochs": len(records),
        "training seconds": sum(seconds),
        "median epoch, seconds": seconds[len(seconds) // 2],
        "test digit": records[-1]["test"]["digit_accuracy"],
        "test sum": records[-1]["test"]["sum_accuracy"],
    }


def short(work: Work) -> tuple[str, str]:
    """Say for how many epochs to compare."""
    return "--epochs", "1" if work.small else str(EPOCHS)


def tests(work: Work) -> Figures:
    """Run the tests that need no processor, on the GPU."""
    where = ("tests/test_layers.py", "tests/test_loss.py") if work.small else ()
    platform = {} if work.small else {"JAX_PLATFORMS": "cuda,cpu"}
    printed = work.call("pytest", "-m", "pytest", "-n0", "-p", "no:warnings", *where, **platform)
    return {"result": re.findall(r"^.*\b(?:passed|failed)\b.*$", printed, re.MULTILINE)[-1]}


def base(work: Work) -> Figures:
    """Train base to its end."""
    return {"base": train(work, "base")}


def graphs(work: Work) -> Figures:
    """Compare a graph for a whole call with what XLA launches by itself."""
    ways = {"whole": "--whole-graph", "parts": "--no-whole-graph"}
    return {label: train(work, label, option, *short(work)) for label, option in ways.items()}


def precision(work: Work) -> Figures:
    """Compare exact products with those in TF32."""
    ways = ("float32", "tf32")
    return {way: train(work, way, "--precision", way, *short(work)) for way in ways}


def deterministic(work: Work) -> Figures:
    """Train twice each way, and say whether the two are the same to the bit."""
    figures: Figures = {}
    for way in ("deterministic", "no-deterministic"):
        labels = [f"{way}-{time}" for time in ("first", "second")]
        figures |= {label: train(work, label, f"--{way}", *short(work)) for label in labels}
        one, other = (read_run(work.folder / label)[1] for label in labels)
        same = all(a[k] == b[k] for a, b in zip(one, other, strict=True) for k in FIELDS)
        figures[f"{way}: the same bits twice"] = same
    return figures


def seeds(work: Work) -> Figures:
    """Train ten seeds of fast."""
    config, count = ("smoke", 2) if work.small else ("fast", SEEDS)
    folder = str(work.folder / "seeds")
    where = ("--workdir", folder, "--resume", *work.data)
    work.call("seeds", *RUN, "--config", config, "--seeds", str(count), *where)
    runs = [read_run(Path(folder) / f"seed-{seed}")[1] for seed in range(1, count + 1)]
    times = sorted(sum(record["seconds"] for record in records) for records in runs)
    return {
        "seeds": count,
        "training seconds of the median seed": times[count // 2],
        **json.loads((Path(folder) / "summary.json").read_text())["test"]["last_epoch"],
    }


def bench(work: Work) -> Figures:
    """Measure in turns with PyTorch; on a GPU also 16 seeds in one program."""
    size = ("--rounds", "1", "--no-torch", "--dataset", "sample") if work.small else work.data
    command = ("-m", "experiments.workshop.bench", "--config", "base", "--json", *size)
    graphs = f"{os.environ.get('XLA_FLAGS', '')} {whole_call_flag()}"
    as_runs = {"XLA_FLAGS": graphs, "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    printed = work.call("bench", *command, **({} if work.small else as_runs))
    return {"figures": [json.loads(printed.splitlines()[-1])]}


def profile(work: Work) -> Figures:
    """Record a profile of some steps, as one graph and kernel by kernel."""
    config = "smoke" if work.small else "base"
    figures = {}
    for way in ("whole-graph", "no-whole-graph"):
        options = ("--config", config, "--output", str(work.folder / way), f"--{way}", *work.data)
        printed = work.call(way, "-m", "experiments.workshop.gpu.profile_step", *options)
        figures[way] = printed.splitlines()[-1]
    return figures


PARTS: dict[str, Callable[[Work], Figures]] = {
    part.__name__: part
    for part in (graphs, base, bench, seeds, deterministic, precision, profile, tests)
}
