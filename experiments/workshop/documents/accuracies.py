"""Tables of accuracies: of the recipes beside the original, of the search, of the studies."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from experiments.configs import CONFIGS, STUDIES, named_config
from experiments.report import original
from experiments.report.page import LAST_EPOCHS
from experiments.report.records import Records, last_accuracies, training_seconds
from experiments.report.tables import Row, markdown_table, ranges_of
from experiments.workshop.benchmark.results import spread
from experiments.workshop.documents.records import RESULTS, Runs, recorded

AIMS = {"fast": (99.30, 99.28), "best": (99.60, 99.60)}  # digit, sum; set before the search
NUMBERS = {
    "all": "all ten an image",
    "fresh": "one, drawn for each batch",
    "fixed": "one, always the same",
}


def results(records: Path) -> str:
    """Set what the recipes reach beside the original."""
    log = f"the original in PyTorch ([its log]({original.SOURCE}), Session 3)"
    rows: list[Row] = [
        ("on the 10,000 test images, %", "epochs", "seeds", "digit", "sum"),
        result_row(f"{log}, last epoch", [original.records()]),
        result_row(f"the same, mean of its last {LAST_EPOCHS}", [original.records()], LAST_EPOCHS),
    ]
    for name, runs in recorded_recipes(records).items():
        same = ", the same recipe" if name == "base" else ""
        label = f"`{name}`{same} ([records]({RESULTS}/{name}/))"
        rows.append(result_row(label, list(runs.values())))
    return markdown_table(rows)


def recorded_recipes(records: Path) -> dict[str, Runs]:
    """Read the records that can stand beside the original's, but for those of the studies."""
    return {
        name: runs
        for name, runs in recorded(records).items()
        if CONFIGS[name] not in STUDIES and original.is_comparable(named_config(name))
    }


def result_row(label: str, runs: Sequence[Records], last: int = 1) -> Row:
    """Give mean and deviation over the runs, of each run's mean over its last epochs."""
    cells = map(percent, accuracies(runs, last))
    return (label, str(len(runs[0])), str(len(runs)), *cells)


def recipes(records: Path) -> str:
    """Give what came of the search: each recipe's accuracies, times and aims."""
    head = ("config", "epochs", "seeds", "digit %", "sum %")
    last = f"last {LAST_EPOCHS} epochs: digit, sum %"
    rows: list[Row] = [
        (*head, last, "in training: digit, sum %", "seconds a seed", "aim: digit, sum %")
    ]
    for name, by_seed in recorded_recipes(records).items():
        runs = list(by_seed.values())
        reached = accuracies(runs)
        trained = [
            mean(100 * run[-1]["train"][f"{output}_accuracy"] for run in runs)
            for output in ("digit", "sum")
        ]
        cells = (
            *map(percent_with_range, reached),
            ", ".join(map(percent, accuracies(runs, LAST_EPOCHS)))
            if len(runs[0]) >= LAST_EPOCHS
            else "",
            ", ".join(f"{value:.2f}" for value in trained),
            least_to_most(list(map(training_seconds, runs)), 0),
            aims_of(name, [100 * mean(shares) for shares in reached]),
        )
        rows.append((f"`{name}`", str(len(runs[0])), ranges_of(by_seed), *cells))
    return markdown_table(rows)


def studies(records: Path) -> str:
    """Set `fast` with one thing changed beside `fast`."""
    head = ("config", "adder", "numbers in training", "labels", "seeds", "digit %", "sum %")
    rows: list[Row] = [(*head, "sum less digit", "sum %, pairs left out")]
    for name, by_seed in recorded(records).items():
        recipe, runs = named_config(name).recipe, list(by_seed.values())
        digit, sum_ = accuracies(runs)
        if name == "fast" or CONFIGS[name] in STUDIES:
            what = (
                "exact" if recipe.adder == "exact" else "MLP",
                "nine of ten" if recipe.unseen_pairs else NUMBERS[recipe.numbers],
                "both" if recipe.digit_weight else "the sum's",
            )
            cells = (
                percent(digit),
                percent(sum_),
                percent([its - of_digit for of_digit, its in zip(digit, sum_, strict=True)]),
                percent(last_accuracies(runs, "unseen_accuracy")) if recipe.unseen_pairs else "",
            )
            rows.append((f"`{name}`", *what, str(len(runs)), *cells))
    return markdown_table(rows)


def accuracies(runs: Sequence[Records], epochs: int = 1) -> list[list[float]]:
    """Take the runs' accuracies of digit and sum: each run's mean over its last epochs."""
    return [last_accuracies(runs, f"{output}_accuracy", epochs) for output in ("digit", "sum")]


def percent(shares: Sequence[float], decimals: int = 2) -> str:
    """Write shares in percent: their mean and, of several, their standard deviation."""
    return spread([100 * share for share in shares], decimals)


def percent_with_range(shares: Sequence[float]) -> str:
    """Write shares in percent: mean and, of several, standard deviation, least and most."""
    ends = f" ({least_to_most([100 * share for share in shares], 2)})" if len(shares) > 1 else ""
    return f"{percent(shares, 3)}{ends}"


def least_to_most(values: Sequence[float], decimals: int) -> str:
    """Write the least and the most of some values, or the one that they all are."""
    ends = dict.fromkeys(f"{value:,.{decimals}f}" for value in (min(values), max(values)))
    return " to ".join(ends)


def aims_of(name: str, reached: Sequence[float]) -> str:
    """Say what digit and sum of a config were to reach, and by how much they miss it."""
    words = []
    for aim, accuracy in zip(AIMS.get(name, ()), reached, strict=False):
        missing = round(aim - accuracy, 3)
        words.append(f"{aim:.2f} {f'missed by {missing:.3f}' if missing > 0 else 'reached'}")
    return ", ".join(words)
