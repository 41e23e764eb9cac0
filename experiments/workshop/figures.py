"""Write the tables of results into README.md and docs/: python -m experiments.workshop.figures.

What stands between <!-- figures: NAME --> and <!-- end --> is made here, from the records in
experiments/results/.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tabulate import tabulate

from experiments.report import LAST_EPOCHS, ORIGINAL_LOG, last_accuracies
from experiments.system.workdir import read_records
from experiments.workshop.benchmark.results import FASTER, SPEED, Figures, spread, table_row

ROOT = Path(__file__).parents[2]
RESULTS = "experiments/results"
ORIGINAL = "https://github.com/Code-Trees/END-GAME"
TEXTS = ("README.md", "docs/recipes.md", "docs/performance.md", "docs/gpu.md")
PLACE = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
RECIPES = ("base", "fast", "best")
SPANS = {1: "", LAST_EPOCHS: f", mean of the last {LAST_EPOCHS} epochs"}
OUTPUTS = ("digit", "sum")


def main() -> None:
    for name in TEXTS:
        (ROOT / name).write_text(with_figures(name), encoding="utf-8")


def with_figures(text: str) -> str:
    """Read a text of the project, and put the tables of today's records into it."""

    def fill(place: re.Match[str]) -> str:
        start, name, end = place.groups()
        rows = list(TABLES[name](ROOT / RESULTS))
        made = tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
        made = made.replace(f"]({RESULTS}", f"]({'../' * text.count('/')}{RESULTS}")
        return f"{start}\n{made}\n\n{end}"

    return PLACE.sub(fill, (ROOT / text).read_text(encoding="utf-8"))


def summary(folder: Path) -> Iterator[Figures]:
    """Put three kinds of figures side by side: MNIST, strangers' digits, speed."""
    heads = ("measured", "ours", "result", "others", "their result")
    return (dict(zip(heads, row, strict=True)) for row in compare(folder))


def compare(folder: Path) -> Iterator[tuple[str, ...]]:
    log = [read_records(ORIGINAL_LOG)]
    for name, runs in read_runs(folder):
        by = f"[`{name}`]({RESULTS}/{name}/), {len(runs)} seeds"
        theirs = f"[the original]({ORIGINAL})" if name == "base" else ""
        for last, of in SPANS.items() if theirs else [(1, "")]:
            cells = by, both(runs, last), theirs, theirs and both(log, last)
            yield f"MNIST: digit, sum, % right{of}", *cells
    strangers = json.loads((folder / "strangers.json").read_text("utf-8"))
    reader, *peers = ((x["by"], f"{x['right']} ({x['pictures']:,} pictures)") for x in strangers)
    for peer in peers:
        yield "Strangers' digits, % right", *reader, *peer
    for row in speeds(folder):
        if row["by"].startswith("ours"):
            by, speed = row["by"], row[SPEED]
        elif row[FASTER]:
            faster = f"{speed}: {row[FASTER]} times as many"
            yield f"Training, images a second: {row['on']}", by, faster, row["by"], row[SPEED]


def both(runs: list[list[Figures]], last: int) -> str:
    return ", ".join(percent(runs, output, last=last) for output in OUTPUTS)


def recipes(folder: Path) -> Iterator[Figures]:
    original = f"the original in PyTorch ([its log]({ORIGINAL}), Session 3)"
    yield {"config": original} | reached([read_records(ORIGINAL_LOG)])
    for name, runs in read_runs(folder):
        seconds = [sum(record["seconds"] for record in run) for run in runs]
        yield {"config": f"[`{name}`]({RESULTS}/{name}/)"} | reached(runs) | {
            **{f"{output} % in training": percent(runs, output, "train") for output in OUTPUTS},
            "seconds a seed": f"{min(seconds):,.0f} to {max(seconds):,.0f}",
        }  # fmt: skip


def reached(runs: list[list[Figures]]) -> Figures:
    columns: Figures = {"epochs": len(runs[0]), "seeds": len(runs)}
    for last, of in SPANS.items():
        if len(runs[0]) >= last:
            columns |= {f"{x} %{of}": percent(runs, x, last=last) for x in OUTPUTS}
    return columns


def percent(runs: list[list[Figures]], output: str, split: str = "test", last: int = 1) -> str:
    shares = last_accuracies(runs, f"{output}_accuracy", last, split)
    return spread([100 * share for share in shares])


def speeds(folder: Path) -> Iterator[Figures]:
    """List what each bench has measured: training by all sides, evaluation, whole trainings."""
    for path in sorted((folder / "bench").glob("*.json")):
        bench = json.loads(path.read_text("utf-8"))
        for row in bench["rows"]:
            on = f"[{row['device']}]({RESULTS}/bench/{path.name}), {row['on']}"
            yield {"on": on + f", `{bench['config']}`" * ("runs" in row)} | table_row(row)


def kernels(folder: Path) -> list[Figures]:
    programs = json.loads((folder / "gpu" / "h100.json").read_text("utf-8"))["programs"]
    return [{"program": name} | counts for name, counts in programs.items()]


def read_runs(folder: Path) -> Iterator[tuple[str, list[list[Figures]]]]:
    for name in RECIPES:
        if paths := sorted((folder / name).glob("seed-*.jsonl")):
            yield name, [*map(read_records, paths)]


TABLES: dict[str, Callable[[Path], Iterable[Figures]]] = {
    make.__name__: make for make in (summary, recipes, speeds, kernels)
}


if __name__ == "__main__":
    main()
