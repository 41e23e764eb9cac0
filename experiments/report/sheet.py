"""What all pictures of a report have in common: size, colours, fonts, and how they are saved."""

from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 8.0  # inches, shown about 800 pixels wide
DOTS_PER_INCH = 160
FONT_SIZE, SMALL = 10, 8
COLOURS = {"digit": "#0072B2", "sum": "#D55E00"}  # Okabe and Ito: safe for the colour-blind
INK, GREY, PALE = "#222222", "#808080", "#E2E2E2"

our_style = matplotlib.style.context("default")
"""Draw the same whatever the user's matplotlibrc says; a decorator of functions."""


def new_figure(height: float, layout: Literal["constrained"] | None = None) -> Figure:
    """Make a white figure of the common width; the height is in inches."""
    return Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, layout=layout)


def set_title(axes: Axes, title: str) -> None:
    """Say above the axes, at the left, what they show."""
    axes.set_title(title, loc="left", fontsize=FONT_SIZE, color=INK)


def style(axes: Axes) -> None:
    """Leave of the axes what is read: two sides, ticks and a pale grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(labelsize=SMALL, labelcolor=INK, color=GREY)
    axes.grid(color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def save(figure: Figure, path: Path) -> None:
    """Write the picture as a whole, so that a viewer never sees half of it."""
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, format="png")
    partial.replace(path)
