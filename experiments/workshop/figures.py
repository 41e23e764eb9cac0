"""Write the tables of results into README.md and docs/: python -m experiments.workshop.figures.

What stands between <!-- figures: NAME --> and <!-- end --> is made here, from the records in
experiments/results/.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from tabulate import tabulate

from experiments.configs import STUDIES
from experiments.workshop.benchmark.results import (
    FASTER,
    PREPARED,
    SPEED,
    Figures,
    group_rows,
    spread,
    summarize_runs,
)
from mnist_sum.errors import DataError
from mnist_sum.terminal import exit_code

ROOT = Path(__file__).parents[2]
RESULTS = "experiments/results"
ORIGINAL = "https://github.com/Code-Trees/END-GAME"
ORIGINAL_LOG = ROOT / RESULTS / "original.jsonl"
TEXTS = ("README.md", "docs/recipes.md", "docs/performance.md", "docs/gpu.md")
PLACE = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
RECIPES = ("base", "fast", "best")
STUDIED = ("adder", "numbers", "unseen_pairs", "digit_weight")  # fields of the recipe
AIMS = {"fast": "99.30, 99.28", "best": "99.60, 99.60"}  # set before the search
LAST = 7  # epochs that are averaged, as single ones are noisy
OUTPUTS = ("digit", "sum")

Runs = list[list[Figures]]  # of one config: for each seed, a record of every epoch


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    return exit_code(write)


def write() -> None:
    """Write the tables into all texts; raises DataError."""
    for name in TEXTS:
        (ROOT / name).write_text(with_figures(name), encoding="utf-8")


def with_figures(text: str) -> str:
    """Read a text of the project, and put the tables of today's records into it."""

    def fill(place: re.Match[str]) -> str:
        start, name, end = place.groups()
        if name not in TABLES:
            raise DataError(f"{text} asks for {name!r}; the tables are {', '.join(TABLES)}.")
        rows = list(TABLES[name](ROOT / RESULTS))
        made = tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
        made = made.replace(f"]({RESULTS}", f"]({'../' * text.count('/')}{RESULTS}")
        return f"{start}\n{made}\n\n{end}"

    return PLACE.sub(fill, (ROOT / text).read_text(encoding="utf-8"))


def results(records: Path) -> Iterator[Figures]:
    """Compare what the recipes reach with the original."""
    log = f"the original in PyTorch ([its log]({ORIGINAL}), Session 3)"
    yield {"on the 10,000 test images": log} | reached([read(ORIGINAL_LOG)])
    for name, runs, _ in read_runs(records, RECIPES):
        link = f"`{name}` ([records]({RESULTS}/{name}/))"
        yield {"on the 10,000 test images": link} | reached(runs)


def recipes(records: Path) -> Iterator[Figures]:
    """List what the recipes reach and how long they take."""
    for name, runs, _ in read_runs(records, RECIPES):
        seconds = [sum(record["seconds"] for record in run) for run in runs]
        yield {"config": f"`{name}`"} | reached(runs) | {
            **{f"{what} % in training": spread(percent(runs, what, "train")) for what in OUTPUTS},
            "seconds a seed": f"{min(seconds):,.0f} to {max(seconds):,.0f}",
            "aim: digit, sum %": AIMS.get(name, ""),
        }  # fmt: skip


def studies(records: Path) -> Iterator[Figures]:
    """Compare `fast` with what it reaches when one thing is changed."""
    for name, runs, config in read_runs(records, ("fast", *STUDIES)):
        fields = {field: config[field] for field in STUDIED}
        digit, sum_ = (percent(runs, what) for what in OUTPUTS)
        gaps = [of_sum - of_digit for of_digit, of_sum in zip(digit, sum_, strict=True)]
        unseen = spread(percent(runs, "unseen")) if config["unseen_pairs"] else ""
        more = {"sum less digit": spread(gaps), "sum %, pairs left out": unseen}
        yield {"config": f"`{name}`"} | fields | reached(runs) | more


def reached(runs: Runs) -> Figures:
    """Give the columns that all tables of accuracies have."""
    columns: Figures = {"epochs": len(runs[0]), "seeds": len(runs)}
    for last, of in ((1, ""), (LAST, f", mean of the last {LAST}")):
        if len(runs[0]) >= last:
            columns |= {f"{x} %{of}": spread(percent(runs, x, last=last)) for x in OUTPUTS}
    return columns


def percent(runs: Runs, what: str, split: str = "test", last: int = 1) -> list[float]:
    """Take an accuracy of each run, the mean over its last epochs, in percent."""
    shares = [[record[split][f"{what}_accuracy"] for record in run[-last:]] for run in runs]
    return [100 * mean(of_run) for of_run in shares]


def ratios(records: Path) -> Iterator[Figures]:
    """Compare ours with the fastest of PyTorch's ways in float32."""
    for row in speeds(records):
        if row["by"].startswith("ours") or row[FASTER]:
            yield {name: cell for name, cell in row.items() if name != PREPARED}


def speeds(records: Path) -> Iterator[Figures]:
    """List what each bench has measured: training by all sides, evaluation, whole trainings."""
    for path in sorted((records / "bench").glob("*.json")):
        (bench,) = read(path)
        device = f"[{bench['device']}]({RESULTS}/bench/{path.name})"
        what = f"`{bench['config']}`, batches of {bench['fields']['batch_size']}"
        for group in bench.get("groups", ()):
            where = {"on": f"{device}, {group['on']}", "trained": what}
            yield from (where | row for row in group_rows(group))
        if runs := bench.get("runs"):
            times, reached = summarize_runs(runs)
            whole = f"{what}, {len(runs)} seeds to the end: {reached}"
            yield {"on": device, "trained": whole, "by": "ours", SPEED: times}


def kernels(records: Path) -> list[Figures]:
    """List what programs launch on a GPU, as make gpu-compile has counted it."""
    programs = read(records / "gpu" / "h100.json")[0]["programs"]
    return [{"program": name} | counts for name, counts in programs.items()]


def read_runs(records: Path, names: Iterable[str]) -> Iterator[tuple[str, Runs, Figures]]:
    """Read what there is of these configs: name, runs, and fields."""
    for name in names:
        paths = (records / name).glob("seed-*.jsonl")
        if runs := [read(path) for path in sorted(paths)]:
            yield name, runs, read(records / name / "summary.json")[0]["config"]


def read(path: Path) -> list[Any]:
    """Read what a file of JSON holds or, if it is a .jsonl, each of its lines."""
    try:
        text = path.read_text(encoding="utf-8")
        return [json.loads(x) for x in (text.splitlines() if path.suffix == ".jsonl" else [text])]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None


TABLES: dict[str, Callable[[Path], Iterable[Figures]]] = {
    make.__name__: make for make in (results, recipes, studies, ratios, speeds, kernels)
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
