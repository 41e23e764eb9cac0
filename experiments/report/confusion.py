"""What is taken for what: a matrix of digits, and the sums that are misread most."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from experiments.report.sheet import (
    COLOURS,
    FONT_SIZE,
    GREY,
    INK,
    PALE,
    SMALL,
    new_figure,
    our_style,
    save,
    set_title,
    style,
)

FEWEST_DARK = 10  # mistakes of one kind, at least, that are drawn in the full colour
SHARE_WIDTH = 1.0  # cells that are left at the right, for how many are right
MOST_PAIRS = 12  # of sums
BAR_LIMIT = 1.45  # of the longest bar, for what is written beside it


class Confusion(NamedTuple):
    """A label that was read as another one."""

    truth: int
    read: int
    times: int
    of: int
    """How often the true label occurs."""


def list_confusions(counts: Int[np.ndarray, "label label"]) -> list[Confusion]:
    """List what was taken for something else, the most frequent first."""
    confusions = [
        Confusion(int(truth), int(read), int(counts[truth, read]), int(counts[truth].sum()))
        for truth, read in np.argwhere(counts)
        if truth != read
    ]
    return sorted(confusions, key=lambda confusion: -confusion.times)


@our_style
def draw_digit_confusion(counts: Int[np.ndarray, "10 10"], path: Path) -> None:
    """Draw how often each true digit (row) was read as each (column).

    Only the mistakes are coloured: the diagonal outweighs them hundreds of times.
    """
    size = len(counts)
    mistakes = counts * (1 - np.eye(size, dtype=int))
    shades = np.log1p(mistakes) / np.log1p(max(mistakes.max(), FEWEST_DARK))
    figure = new_figure(4.6, layout="constrained")
    axes = figure.subplots()
    colours = LinearSegmentedColormap.from_list("", ["white", COLOURS["digit"]])
    edges = np.arange(size + 1) - 0.5
    mesh = axes.pcolormesh(edges, edges, shades, cmap=colours, vmin=0, vmax=1)
    mesh.set(edgecolor=PALE, linewidth=0.5, clip_on=False)  # or the outer lines would be thinner
    for row, column in np.argwhere(counts):
        ink = GREY if row == column else "white" if shades[row, column] > 0.8 else INK
        write(axes, column, row, f"{counts[row, column]:,}", ink)
    for row in range(size):
        write(axes, size, row, write_share(counts[row, row], counts[row].sum(), 1), GREY)
    set_title(axes, write_total("Digits", counts))
    axes.set_xlabel("digit that was read", fontsize=SMALL, color=INK)
    axes.set_ylabel("true digit", fontsize=SMALL, color=INK)
    axes.set_xticks(range(size + 1), [*map(str, range(size)), "right"])
    axes.set_yticks(range(size))
    axes.set_xlim(-0.5, size - 0.5 + SHARE_WIDTH)
    axes.set_ylim(size - 0.5, -0.5)
    axes.tick_params(labelsize=SMALL, labelcolor=INK, length=0)
    axes.spines[:].set_visible(False)
    save(figure, path)


@our_style
def draw_sum_confusion(counts: Int[np.ndarray, "19 19"], path: Path) -> None:
    """Draw which sums were misread most often, and how far off all that were misread are."""
    figure = new_figure(3.6, layout="constrained")
    pairs, distances = figure.subplots(1, 2)
    figure.suptitle(write_total("Sums", counts), x=0.005, ha="left", fontsize=FONT_SIZE, color=INK)
    draw_pairs(pairs, list_confusions(counts))
    draw_distances(distances, counts)
    save(figure, path)


def draw_pairs(axes: Axes, confusions: list[Confusion]) -> None:
    """Draw a bar for each of the most frequent confusions, from above."""
    shown = confusions[:MOST_PAIRS]
    which = f"the {len(shown)} most frequent of " if len(confusions) > len(shown) else ""
    set_title(axes, f"Ways to misread one: {which}{len(confusions) or 'none'}")
    times = [confusion.times for confusion in shown]
    axes.barh(range(len(shown)), times, color=COLOURS["sum"], height=0.6)
    for row, confusion in enumerate(shown):
        text = f" {confusion.times:,} of {confusion.of:,}"
        axes.text(confusion.times, row, text, fontsize=SMALL, color=INK, va="center_baseline")
    axes.set_yticks(range(len(shown)), [f"{x.truth} read as {x.read}" for x in shown])
    axes.set_ylim(MOST_PAIRS - 0.4, -0.6)
    axes.set_xlim(0, BAR_LIMIT * max(times, default=1))
    axes.set_xticks([])
    axes.tick_params(labelsize=SMALL, labelcolor=INK, length=0)
    axes.spines[:].set_visible(False)


def draw_distances(axes: Axes, counts: Int[np.ndarray, "19 19"]) -> None:
    """Draw how many of the misread sums were read as so much too small or too large."""
    furthest = len(counts) - 1
    offsets = np.arange(-furthest, furthest + 1)
    times = [0 if offset == 0 else int(np.trace(counts, offset)) for offset in offsets]
    set_title(axes, "How far off all misread sums are")
    style(axes)
    axes.bar(offsets, times, color=COLOURS["sum"], width=0.6)
    axes.set_xlim(-furthest - 1, furthest + 1)
    axes.set_ylim(0, max(1.05 * max(times), 1))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xticks(range(-15, 16, 5))
    axes.set_xlabel("sum that was read, minus the true one", fontsize=SMALL, color=INK)


def write(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Write into the middle of a cell."""
    axes.text(x, y, text, color=colour, fontsize=SMALL + 1, ha="center", va="center_baseline")


def write_total(what: str, counts: Int[np.ndarray, "label label"]) -> str:
    """Say how many of the labels were misread."""
    total = counts.sum()
    wrong = total - counts.trace()
    return f"{what}: {wrong:,} of {total:,} misread ({write_share(wrong, total, 2)})"


def write_share(part: int, whole: int, decimals: int) -> str:
    """Write a part as a percentage of the whole."""
    return f"{part / whole:.{decimals}%}" if whole else "-"
