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


def spread(values: Sequence[float]) -> str:
    """Write a mean and, of several values, their standard deviation."""
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")
