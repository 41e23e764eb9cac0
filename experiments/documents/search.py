"""The table of the search: what was tried, and what images held out of training say of it."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.documents.accuracies import percent
from experiments.documents.records import RESULTS, Runs, read_json, read_runs
from experiments.report.tables import Row, markdown_table, ranges_of

FOLDER = "search"
ROWS = "rows.json"  # in it: each row's folder, what it tried, and how, for its first seed
DECIMALS = 4  # of a loss in nats


def search(records: Path) -> str:
    """List what was tried, a row each, and below how."""
    folder = records / FOLDER
    listed = read_json(folder / ROWS, (folder / ROWS).read_text())
    runs = {row["folder"]: read_runs(folder / row["folder"]) for row in listed}
    head = ("", "epochs", "seeds", "loss: digit, sum", "statistics renewed: digit, sum")
    rows: list[Row] = [(*head, "digit %", "sum %")]
    rows += [search_row(row, runs[row["folder"]], runs) for row in listed]
    commands = "\n".join(
        f"- [{row['what']}](../{RESULTS}/{FOLDER}/{row['folder']}/): {row['how']}" for row in listed
    )
    return f"{markdown_table(rows)}\n\n{commands}"


def search_row(row: dict[str, Any], runs: Runs, all_runs: dict[str, Runs]) -> Row:
    """Give the means over the seeds, and how the loss compares with that of `against`, in pairs."""
    last = [records[-1] for records in runs.values()]
    renewed = [record["renewed"] for record in last]
    accuracies = [
        percent([means[f"{output}_accuracy"] for means in renewed]) for output in ("digit", "sum")
    ]
    return (
        row["what"],
        str(last[0]["epoch"]),
        ranges_of(runs),
        losses([record["test"] for record in last]),
        losses(renewed) + compared(runs, all_runs.get(row.get("against", ""))),
        *accuracies,
    )


def losses(evaluations: Sequence[dict[str, float]]) -> str:
    """Write the mean losses of digit and sum."""
    return ", ".join(
        f"{mean(evaluation[f'{output}_loss'] for evaluation in evaluations):.{DECIMALS}f}"
        for output in ("digit", "sum")
    )


def compared(runs: Runs, others: Runs | None) -> str:
    """Say in how many seeds the losses add up to less than those of another row's same seed."""
    if others is None:
        return ""
    both = sorted(runs.keys() & others.keys())
    lower = sum(whole_loss(runs[seed]) < whole_loss(others[seed]) for seed in both)
    return f" (lower in {lower} of {len(both)})"


def whole_loss(records: Sequence[dict[str, Any]]) -> float:
    """Add the held-out losses of digit and sum after a run."""
    renewed = records[-1]["renewed"]
    return renewed["digit_loss"] + renewed["sum_loss"]
