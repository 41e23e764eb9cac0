"""The pictures of a report, and what all of them have in common: size, colours, fonts, saving."""

from io import BytesIO
from pathlib import Path

from experiments.system.workdir import write
from mnist_sum.errors import reasons_of_matplotlib

with reasons_of_matplotlib():
    import matplotlib.style
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.0  # inches, shown about 800 pixels wide
SMALL, TITLE_SIZE = 8, 10  # points
COLOURS = {"digit": "#0072B2", "sum": "#D55E00"}  # Okabe and Ito: safe for the colour-blind
INK, GREY, PALE = "#222222", "#808080", "#E2E2E2"
STYLE = {
    **{"figure.dpi": 160, "axes.titlelocation": "left", "grid.linewidth": 0.6, "grid.color": PALE},
    **dict.fromkeys(("font.size", "figure.labelsize"), SMALL),
    **dict.fromkeys(("figure.titlesize", "axes.titlesize"), TITLE_SIZE),
    **dict.fromkeys(("axes.grid", "axes.axisbelow"), True),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), GREY),
}

our_style = matplotlib.style.context(["default", STYLE])  # whatever the user's matplotlibrc says


def new_figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained")


def new_sheet(height: float) -> tuple[Figure, Axes]:
    """Make a figure that axes cover, for drawings in inches."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Write the picture as a PNG that says what it is of; raises UsageError."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": "mnist_sum report"})
    write(path, drawn.getvalue())
