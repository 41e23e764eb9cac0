"""Tables of the search: what was tried, by images held out of training, and how long pays."""

from collections.abc import Collection
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.report.records import training_seconds
from experiments.report.tables import Row, markdown_table, ranges_of
from experiments.workshop.documents.accuracies import (
    accuracies,
    least_to_most,
    percent,
    percent_with_range,
)
from experiments.workshop.documents.records import RESULTS, Runs, read_json, read_runs

FOLDER = "search"
ROWS = "rows.json"  # in it: each row's folder, what it tried, and how, for its first seed
LONGER = "180_epochs"  # in the folder of `best`: its recipe, for so long
DECIMALS = 4  # of a loss in nats
Evaluation = dict[str, Any]


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
    renewed = {seed: records[-1]["renewed"] for seed, records in runs.items()}
    others = all_runs.get(row.get("against", ""), {})
    return (
        row["what"],
        epochs_of(runs),
        ranges_of(runs),
        losses([records[-1]["test"] for records in runs.values()]),
        losses(renewed.values())
        + compared(renewed, {seed: records[-1]["renewed"] for seed, records in others.items()}),
        *(
            percent([evaluation[f"{output}_accuracy"] for evaluation in renewed.values()])
            for output in ("digit", "sum")
        ),
    )


def lengths(records: Path) -> str:
    """Set `best` beside the same recipe for more epochs, on the test images."""
    whole, longer = (read_runs(records / "best" / folder) for folder in ("", LONGER))
    rows: list[Row] = [
        ("epochs", "seeds", "loss: digit, sum", "digit %", "sum %", "seconds a seed")
    ]
    others: dict[int, Evaluation] = {}
    for runs in (whole, longer):
        tested = {seed: run[-1]["test"] for seed, run in runs.items()}
        rows.append((
            epochs_of(runs),
            ranges_of(runs),
            losses(tested.values()) + compared(tested, others),
            *map(percent_with_range, accuracies(list(runs.values()))),
            least_to_most([training_seconds(run) for run in runs.values()], 0),
        ))  # fmt: skip
        others = tested
    return markdown_table(rows)


def epochs_of(runs: Runs) -> str:
    """Write how many epochs each of some runs has."""
    return " to ".join(dict.fromkeys(str(len(records)) for records in runs.values()))


def losses(evaluations: Collection[Evaluation]) -> str:
    """Write the mean losses of digit and sum."""
    return ", ".join(
        f"{mean(evaluation[f'{output}_loss'] for evaluation in evaluations):.{DECIMALS}f}"
        for output in ("digit", "sum")
    )


def compared(evaluations: dict[int, Evaluation], others: dict[int, Evaluation]) -> str:
    """Say in how many seeds the losses add up to less than another row's with the same seed."""
    both = sorted(evaluations.keys() & others.keys())
    lower = sum(whole_loss(evaluations[seed]) < whole_loss(others[seed]) for seed in both)
    return f" (lower in {lower} of {len(both)})" if both else ""


def whole_loss(evaluation: Evaluation) -> float:
    """Add the losses of digit and sum."""
    return float(evaluation["digit_loss"] + evaluation["sum_loss"])
