"""What is taken for what: a matrix of true and read labels."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from matplotlib.colors import LinearSegmentedColormap

from experiments.report.sheet import (
    COLOURS,
    GREY,
    INK,
    PALE,
    SMALL,
    new_figure,
    our_style,
    save,
    set_title,
)

HEIGHTS = {"digit": 5.6, "sum": 7.6}  # inches
CELL_FONT_SIZES = {"digit": 9, "sum": 7}
FEWEST_DARK = 10  # mistakes of one kind, at least, that are drawn in the full colour


@our_style
def draw_confusion(counts: Int[np.ndarray, "label label"], output: str, path: Path) -> None:
    """Draw how often each true digit or sum (row) was read as each (column).

    Only the mistakes are coloured: the diagonal outweighs them hundreds of times.
    """
    size = len(counts)
    mistakes = counts * (1 - np.eye(size, dtype=int))
    shades = np.log1p(mistakes) / np.log1p(max(mistakes.max(), FEWEST_DARK))
    figure = new_figure(HEIGHTS[output], layout="constrained")
    axes = figure.subplots()
    colours = LinearSegmentedColormap.from_list("", ["white", COLOURS[output]])
    edges = np.arange(size + 1) - 0.5
    axes.pcolormesh(edges, edges, shades, cmap=colours, vmin=0, vmax=1, edgecolors=PALE, lw=0.5)
    look: dict[str, Any] = {"fontsize": CELL_FONT_SIZES[output], "ha": "center", "va": "center"}
    for row, column in np.argwhere(counts):
        ink = GREY if row == column else "white" if shades[row, column] > 0.8 else INK
        axes.text(column, row, f"{counts[row, column]:,}", color=ink, **look)
    for row in range(size):
        share = write_share(counts[row, row], counts[row].sum())
        axes.text(size + 0.1, row, share, color=GREY, **look)
    wrong, total = mistakes.sum(), counts.sum()
    title = f"{output.capitalize()}s: {wrong:,} of {total:,} misread"
    set_title(axes, f"{title} ({write_share(wrong, total)})")
    axes.set_xlabel(f"{output} that was read", fontsize=SMALL)
    axes.set_ylabel(f"true {output}", fontsize=SMALL)
    axes.set_xticks(range(size + 1), [*map(str, range(size)), "right"])
    axes.set_yticks(range(size))
    axes.set_aspect("equal")
    axes.set_ylim(size - 0.5, -0.5)
    axes.tick_params(labelsize=SMALL, labelcolor=INK, length=0)
    axes.spines[:].set_visible(False)
    save(figure, path)


def write_share(part: int, whole: int) -> str:
    """Write a part as a percentage of the whole."""
    return f"{part / whole:.2%}" if whole else "-"
