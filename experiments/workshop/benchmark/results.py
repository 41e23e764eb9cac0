"""What the bench has measured: ratios, and the rows of the tables that state them."""

from collections.abc import Sequence
from statistics import mean, median, stdev

from experiments.workshop.benchmark.turn import QUIET, Figures

SPEED = "images a second: median (least to most)"
FASTER = "ours: times as fast, round by round"


def add_ratios(rows: Sequence[Figures]) -> None:
    """Note beside the fastest of PyTorch's how much faster ours, the first row, was in each round.

    Beside none if one was disturbed: it might have been the fastest.
    """
    ours, *others = rows
    if others and min(min(row["left"]) for row in rows) >= QUIET:
        fastest = max(others, key=lambda row: median(row["images_per_second"]))
        pairs = zip(ours["images_per_second"], fastest["images_per_second"], strict=True)
        fastest["ratios"] = [mine / its for mine, its in pairs]


def table_row(row: Figures) -> Figures:
    if "runs" in row:
        times, reached = summarize_runs(row["runs"])
        whole = f"{row['by']}, {len(row['runs'])} seeds to the end: {reached}"
        return {"by": whole, SPEED: times, FASTER: ""}
    speed = write_range(row["images_per_second"], ",.0f")
    speed += "" if min(row["left"]) >= QUIET else ", disturbed"
    ratios = write_range(row["ratios"], ".2f") if "ratios" in row else ""
    cells = {"by": row["by"], SPEED: speed, FASTER: ratios}
    if "facts" in row:
        cells["seconds to prepare"] = f"{row['facts']['compile_seconds']:.1f}"
    return cells


def write_range(values: Sequence[float], form: str) -> str:
    """Write a median and, of several values, the least and the most."""
    ends = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{ends}"


def summarize_runs(runs: Sequence[Figures]) -> tuple[str, str]:
    """Write how long the undisturbed of whole runs took, and what all reached, digit and sum."""
    quiet = [run["seconds"] for run in runs if run["left"] >= QUIET]
    digit, sum_ = (spread([100 * run[f"{x}_accuracy"] for run in runs]) for x in ("digit", "sum"))
    return f"{spread(quiet, 1)} s" if quiet else "disturbed", f"{digit} and {sum_} %"


def spread(values: Sequence[float], decimals: int = 2) -> str:
    """Write a mean and, of several values, their standard deviation."""
    deviation = f" ± {stdev(values):.{decimals}f}" if len(values) > 1 else ""
    return f"{mean(values):z.{decimals}f}{deviation}"  # z: there is no -0.0
