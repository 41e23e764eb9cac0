"""What the measurements come to: medians, ratios, and the tables and sentences that state them."""

import math
from collections.abc import Sequence
from statistics import mean, median, stdev

from experiments.report.tables import text_table
from experiments.workshop.benchmark.quiet import QUIET, Usage
from experiments.workshop.benchmark.worker import Figures

OURS = "ours"
FLOAT32 = ("PyTorch", "PyTorch channels last", "PyTorch compiled", "PyTorch CUDA graphs")
HEAD = ("on", "what", "images a second", "least", "most", "left to it", "used", "ours is")


def row_of(what: str, facts: Figures, turns: Sequence[Figures]) -> Figures:
    """Write down what the turns of one side have given."""
    return {
        "what": what,
        "images_per_second": [turn["images"] / turn["seconds"] for turn in turns],
        "left": [turn["left"] for turn in turns],
        "used": [turn["used"] for turn in turns],
        "facts": facts,
    }


def is_quiet(row: Figures) -> bool:
    """Say whether others left this row's cores alone in every turn."""
    return min(row["left"]) >= QUIET


def ratios(ours: Figures, other: Figures) -> list[float] | None:
    """Divide our speed by another's, round by round; None if either was disturbed."""
    if not is_quiet(ours) or not is_quiet(other):
        return None
    pairs = zip(ours["images_per_second"], other["images_per_second"], strict=True)
    return [mine / its for mine, its in pairs]


def fastest(rows: Sequence[Figures]) -> Figures | None:
    """Find the fastest of PyTorch's float32 rows; None if there is none, or one was disturbed."""
    rows = [row for row in rows if row["what"] in FLOAT32 and "cannot" not in row]
    if not rows or not all(map(is_quiet, rows)):
        return None
    return max(rows, key=lambda row: median(row["images_per_second"]))


def compare(rows: Sequence[Figures]) -> Figures | None:
    """Compare ours with the fastest of PyTorch's float32 rows; None if that cannot be told."""
    ours, other = rows[0], fastest(rows)
    values = other and ratios(ours, other)
    if not other or not values:
        return None
    spread = {"median": median(values), "least": min(values), "most": max(values)}
    return {"to": other["what"]} | spread


def comparison_table(groups: Sequence[Figures]) -> str:
    """List all that was measured, in the order of the groups."""
    body = [
        table_row(group["on"], group["rows"][0], row)
        for group in groups
        for row in group["rows"]
        if "cannot" not in row
    ]
    return text_table([HEAD, *body])


def table_row(on: str, ours: Figures, row: Figures) -> list[str | int]:
    """Write one row: medians and ranges, the least that it was left, and the ratio if it is one."""
    speeds = row["images_per_second"]
    values = ratios(ours, row)
    if row is ours:
        ratio = ""
    elif values is None:
        ratio = "not quiet"
    else:
        ratio = f"{median(values):.2f} times as fast"
    numbers: list[str | int] = [round(f(speeds)) for f in (median, min, max)]
    shares = percent(min(row["left"])), percent(median(row["used"]))
    return [on, row["what"], *numbers, *shares, ratio]


def conclusions(groups: Sequence[Figures]) -> list[str]:
    """Say for each group what the comparison comes to, and what could not be measured."""
    sentences = []
    for group in groups:
        if len(group["rows"]) > 1:
            sentences.append(f"{group['on']}: {conclusion(group)}")
        sentences += [
            f"{group['on']}: {row['what']} is not measured: {row['cannot']}."
            for row in group["rows"]
            if "cannot" in row
        ]
    return sentences


def conclusion(group: Figures) -> str:
    """Say how much faster ours is than the fastest of PyTorch's ways, or why that is not known."""
    ratio = group["ratio"]
    if ratio is not None:
        return (
            f"ours trains on {ratio['median']:.2f} times as many images a second as the fastest of "
            f"PyTorch's ways in float32, {ratio['to']} ({ratio['least']:.2f} to "
            f"{ratio['most']:.2f}, round by round)."
        )
    return (
        f"no ratio: again and again, ours or a way of PyTorch was left less than {percent(QUIET)} "
        "of its cores' time. Measure when the machine is quiet."
    )


def run_sentences(runs: Sequence[Figures]) -> list[str]:
    """Say how long whole runs took, and what they reached: mean and deviation over seeds."""
    quiet = [run["training_seconds"] for run in runs if run["left"] >= QUIET]
    disturbed = len(runs) - len(quiet)
    seconds = f"{spread(quiet, 1)} s" if quiet else "It was never quiet: an unknown time"
    digit, sum_ = (
        spread([100 * run[f"{what}_accuracy"] for run in runs], 2) for what in ("digit", "sum")
    )
    sentences = [
        f"{seconds} from the first step to the last; then {digit} % of the test digits "
        f"are right, and {sum_} % of the sums (mean and deviation over {len(runs)} seeds)."
    ]
    if quiet and disturbed:
        sentences.append(f"Runs that were disturbed, and whose times are left out: {disturbed}.")
    return sentences


def run_table(runs: Sequence[Figures]) -> str:
    """List whole runs."""
    head = ("seed", "seconds", "digit %", "sum %", "left to it", "used")
    body: list[list[str | int]] = [
        [
            str(run["seed"]),
            f"{run['training_seconds']:.2f}",
            f"{100 * run['digit_accuracy']:.2f}",
            f"{100 * run['sum_accuracy']:.2f}",
            percent(run["left"]),
            percent(run["used"]),
        ]
        for run in runs
    ]
    return text_table([head, *body])


def spread(values: Sequence[float], digits: int) -> str:
    """Write a mean and, of more than one value, the standard deviation."""
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):z.{digits}f}{deviation}"  # z: there is no -0.0


def percent(share: float) -> str:
    """Write a share, rounded down: what is less than 90 % does not look like it."""
    return f"{math.floor(100 * share)} %"


def figures_table(group: Figures) -> str:
    """List what is known of ours alone, and what was left to it while that was measured."""
    facts, evaluation = group["rows"][0]["facts"], group["evaluation"]
    figures = {name: x for name, x in (facts | evaluation).items() if name not in Usage._fields}
    figures["left_while_compiling"] = percent(facts["left"])
    figures["left_while_evaluating"] = percent(evaluation["left"])
    body = [
        (name, f"{value:,.4g}" if isinstance(value, float) else str(value))
        for name, value in figures.items()
    ]
    return text_table([("ours alone", "value"), *body])


def seeds_table(trainings: Sequence[Figures]) -> str:
    """List what seeds in one program took, against one seed alone, the first of the list."""
    alone = trainings[0]["training_seconds"]
    body: list[list[str | int]] = [
        [
            str(training["seeds"]),
            training["way"],
            f"{training['training_seconds']:.2f}",
            f"{training['training_seconds'] / alone:.2f}",
        ]
        for training in trainings
    ]
    return text_table([("seeds", "way", "seconds", "times one seed"), *body])
