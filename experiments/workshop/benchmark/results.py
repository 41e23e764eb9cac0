"""What the bench has measured: ratios, and the rows of the tables that state them."""

from collections.abc import Iterator, Sequence
from statistics import mean, median, stdev

from experiments.workshop.benchmark.turn import QUIET, Figures

SPEED = "images a second: median (least to most)"
FASTER = "ours: times as fast, round by round"
PREPARED = "seconds to prepare"


def compare(rows: Sequence[Figures]) -> Figures | None:
    """Compare ours, the first row, round by round with the fastest of PyTorch's.

    None if there is none, or one was disturbed: it might have been the fastest.
    """
    ours, *others = (row for row in rows if "left" in row)
    if not others or min(min(row["left"]) for row in (ours, *others)) < QUIET:
        return None
    fastest = max(others, key=lambda row: median(row["images_per_second"]))
    pairs = zip(ours["images_per_second"], fastest["images_per_second"], strict=True)
    ratios = [mine / its for mine, its in pairs]
    spread = {"median": median(ratios), "least": min(ratios), "most": max(ratios)}
    return {"to": fastest["what"]} | spread


def group_rows(group: Figures) -> Iterator[Figures]:
    """List what was measured on some cores: training by all sides, and evaluation.

    Beside the fastest of the others stands how much faster ours is.
    """
    ratio = group["ratio"] or {"to": None}
    for row in group["rows"]:
        what, cells = row["what"], {SPEED: f"not measured: {row.get('cannot')}", FASTER: ""}
        if "left" in row:
            speeds, facts = row["images_per_second"], row["facts"]
            what += f", {facts.get('torch') or 'JAX ' + facts['jax']}"
            cells[SPEED] = f"{median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
            cells[SPEED] += "" if min(row["left"]) >= QUIET else ", disturbed"
            cells[PREPARED] = f"{facts['compile_seconds']:.1f}"
        if row["what"] == ratio["to"]:
            cells[FASTER] = "{median:.2f} ({least:.2f} to {most:.2f})".format_map(ratio)
        yield {"by": what} | cells
    if evaluation := group.get("evaluation"):
        speed = f"{evaluation['evaluated_images_per_second']:,.0f}"
        yield {"by": "evaluation by ours", SPEED: speed, FASTER: ""}


def summarize_runs(runs: Sequence[Figures]) -> tuple[str, str]:
    """Write how long the undisturbed of whole runs took, and what all reached, digit and sum."""
    quiet = [run["training_seconds"] for run in runs if run["left"] >= QUIET]
    digit, sum_ = (spread([100 * run[f"{x}_accuracy"] for run in runs]) for x in ("digit", "sum"))
    return f"{spread(quiet, 1)} s" if quiet else "disturbed", f"{digit} and {sum_} %"


def spread(values: Sequence[float], decimals: int = 2) -> str:
    """Write a mean and, of several values, their standard deviation."""
    deviation = f" ± {stdev(values):.{decimals}f}" if len(values) > 1 else ""
    return f"{mean(values):z.{decimals}f}{deviation}"  # z: there is no -0.0
