"""Pictures of a run, each drawn from numbers or images into a PNG file."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib.style
import numpy as np
from jaxtyping import Int, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from experiments.report.mistakes import Mistake
from mnist_sum.data import Dataset

WIDTH = 8.0  # inches, shown about 800 pixels wide
DOTS_PER_INCH = 160
FONT_SIZE, SMALL = 10, 8
COLOURS = {"digit": "#0072B2", "sum": "#D55E00"}  # Okabe and Ito: safe for the colour-blind
INK, GREY, PALE = "#222222", "#808080", "#E2E2E2"
TRAIN_LINE, TEST_LINE = "--", "-"

LEAST_ERROR = 1e-4  # a perfect accuracy is drawn here, as 99.99 %
LEAST_LOSS = 1e-6
ROUND_VALUES = [m * 10.0**k for k in range(-7, 39) for m in (1, 2, 5)]
COLUMNS = 8  # images in a row
TILE, TITLE_HEIGHT, LINE_HEIGHT, ROW_GAP = 0.84, 0.35, 0.14, 0.12  # inches
SAMPLES, SHOWN_DIGITS, SHOWN_SUMS = 4 * COLUMNS, 3 * COLUMNS, 2 * COLUMNS
CONFUSION_HEIGHTS = {"digit": 5.6, "sum": 7.6}  # inches
CELL_FONT_SIZES = {"digit": 9, "sum": 7}
FEWEST_DARK = 10  # mistakes of one kind, at least, that are drawn in the full colour
LABEL_GAP = 0.075  # least distance between labels, as a fraction of the height of the axes


our_style = matplotlib.style.context("default")
"""Draw the same whatever the user's matplotlibrc says; a decorator of functions."""


class Curve(NamedTuple):
    """One value an epoch, and how it is drawn."""

    label: str
    values: list[float]
    colour: str
    is_test: bool


@our_style
def draw_curves(
    records: Sequence[dict[str, Any]], path: Path, original: Sequence[dict[str, Any]] = ()
) -> None:
    """Draw accuracies and losses by epoch; in grey, the original's accuracies in the same epochs.

    Accuracies are placed by their distance from 100 %, on a log scale, so that the last tenths of
    a percent are as readable as the first steps.
    """
    figure = new_figure(6.2, layout="constrained")
    upper, lower = figure.subplots(2, 2, sharex=True, sharey="row")
    accuracies = [
        accuracy_curves(original[: len(records)], output, GREY, "original ")
        + accuracy_curves(records, output, colour)
        for output, colour in COLOURS.items()
    ]
    losses = [loss_curves(records, output, colour) for output, colour in COLOURS.items()]
    draw_row(upper, "accuracy, %", accuracies, write_accuracy)
    draw_row(lower, "loss, nats", losses, "{:.10g}".format)
    upper[0].invert_yaxis()
    for axes, curves in zip((*upper, *lower), accuracies + losses, strict=True):
        label_curves(axes, curves)
    for axes in lower:
        axes.set_xlabel("epoch", fontsize=SMALL)
    save(figure, path)


@our_style
def draw_seeds(runs: Sequence[Sequence[dict[str, Any]]], path: Path) -> None:
    """Draw the test accuracies of several seeds by epoch: their mean, and the band they fill."""
    figure = new_figure(3.4, layout="constrained")
    panels, bands = [], []
    for output, colour in COLOURS.items():
        errors = np.array(
            [[max(1 - r["test"][f"{output}_accuracy"], LEAST_ERROR) for r in run] for run in runs]
        )
        means = errors.mean(0).tolist()
        label = f"mean {100 * (1 - means[-1]):.3f}\n± {100 * errors[:, -1].std(ddof=1):.3f}"
        panels.append([Curve(label, means, colour, is_test=True)])
        bands.append((errors.min(0), errors.max(0)))
    row = figure.subplots(1, 2, sharey=True)
    draw_row(row, f"test accuracy of {len(runs)} seeds, %", panels, write_accuracy)
    row[0].invert_yaxis()
    for axes, curves, (least, most) in zip(row, panels, bands, strict=True):
        epochs = range(1, len(least) + 1)
        axes.fill_between(epochs, least, most, color=curves[0].colour, alpha=0.2, linewidth=0)
        axes.set_xlabel("epoch", fontsize=SMALL)
        label_curves(axes, curves)
    save(figure, path)


def accuracy_curves(
    records: Sequence[dict[str, Any]], output: str, colour: str, owner: str = ""
) -> list[Curve]:
    """Take the accuracies of an output, as errors: 1 - accuracy."""
    curves = []
    for split in ("train", "test"):
        accuracies = [record[split][f"{output}_accuracy"] for record in records]
        errors = [max(1 - accuracy, LEAST_ERROR) for accuracy in accuracies]
        if errors:
            label = f"{owner}{split} {100 * accuracies[-1]:.2f}"
            curves.append(Curve(label, errors, colour, split == "test"))
    return curves


def loss_curves(records: Sequence[dict[str, Any]], output: str, colour: str) -> list[Curve]:
    """Take the losses of an output."""
    curves = []
    for split in ("train", "test"):
        losses = [max(record[split][f"{output}_loss"], LEAST_LOSS) for record in records]
        curves.append(Curve(f"{split} {losses[-1]:.4f}", losses, colour, split == "test"))
    return curves


def write_accuracy(error: float) -> str:
    """Write an error as an accuracy in percent."""
    at_least = "≥ " if error <= LEAST_ERROR else ""
    return f"{at_least}{100 * (1 - error):.10g}"


def draw_row(
    row: Sequence[Axes], title: str, panels: list[list[Curve]], write: Callable[[float], str]
) -> None:
    """Draw the curves of both outputs side by side on a common log scale with round values."""
    ticks = round_values(list(chain.from_iterable(panels)))
    for axes, output, curves in zip(row, COLOURS, panels, strict=True):
        set_title(axes, f"{output.capitalize()} {title}")
        style(axes)
        for curve in curves:
            draw_curve(axes, curve)
        axes.set_yscale("log")
        axes.set_yticks(ticks, [write(tick) for tick in ticks])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(ticks[0], ticks[-1])
        axes.set_xlim(0.5, max(len(curve.values) for curve in curves) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def round_values(curves: list[Curve]) -> list[float]:
    """List the round values that span all test curves and the end of every curve.

    The first epochs of training may lie outside, so that the others can be told apart.
    """
    shown = [x for curve in curves for x in (curve.values if curve.is_test else curve.values[-1:])]
    last = bisect_left(ROUND_VALUES, max(shown))
    first = min(bisect_right(ROUND_VALUES, min(shown)), last) - 1
    return ROUND_VALUES[first : last + 1]


def draw_curve(axes: Axes, curve: Curve) -> None:
    """Draw a solid line for the test, a thin dashed one for training, and a dot at its end."""
    epochs = range(1, len(curve.values) + 1)
    line = TEST_LINE if curve.is_test else TRAIN_LINE
    axes.plot(epochs, curve.values, line, color=curve.colour, linewidth=1.8 if curve.is_test else 1)
    axes.plot(epochs[-1], curve.values[-1], "o", color=curve.colour, markersize=3)


def label_curves(axes: Axes, curves: list[Curve]) -> None:
    """Write each curve's label beside its end, in its colour, none over another."""
    to_axes = axes.transData - axes.transAxes
    ends = [to_axes.transform((1, curve.values[-1]))[1] for curve in curves]
    for curve, height in zip(curves, spread(ends, LABEL_GAP), strict=True):
        axes.text(
            1.01,
            height,
            curve.label,
            color=curve.colour,
            transform=axes.transAxes,
            verticalalignment="center",
            fontsize=SMALL,
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights apart until none are closer than the gap, each as little as it can be."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    # Less the steps, neighbours that are too close are out of order: runs of them share their mean.
    runs: list[list[float]] = []
    for height in np.asarray(heights)[order] - steps:
        runs.append([height])
        while len(runs) > 1 and np.mean(runs[-2]) > np.mean(runs[-1]):
            last = runs.pop()
            runs[-1] += last
    apart = np.empty(len(order))
    apart[order] = steps + [np.mean(run) for run in runs for _ in run]
    return apart.tolist()


@our_style
def draw_samples(dataset: Dataset, path: Path) -> None:
    """Draw the first images, each with its number and the sum."""
    first = Dataset(*(np.asarray(x)[:SAMPLES] for x in dataset))
    captions = [
        f"{digit} + {number} = {digit + number}"
        for digit, number in zip(first.digit, first.number, strict=True)
    ]
    figure = new_figure(measure_tiles(captions))
    title = f"The first {len(captions)} images, each with its number and the sum"
    draw_tiles(figure, 0, title, list(first.image), captions)
    save(figure, path)


@our_style
def draw_mistakes(digits: Sequence[Mistake], sums: Sequence[Mistake], path: Path) -> None:
    """Draw the most confident mistakes: digits misread, and sums misread of digits read right."""
    shown = digits[:SHOWN_DIGITS], sums[:SHOWN_SUMS]
    images = [[mistake.image for mistake in mistakes] for mistakes in shown]
    captions = [[caption(mistake) for mistake in mistakes] for mistakes in shown]
    digits_height, sums_height = map(measure_tiles, captions)
    digits_title = f"Digit misread: {write_count(len(digits), SHOWN_DIGITS)}"
    sums_title = f"Digit read right, but a sum misread: {write_count(len(sums), SHOWN_SUMS)}"
    figure = new_figure(digits_height + sums_height)
    draw_tiles(figure, 0, digits_title, images[0], captions[0])
    draw_tiles(figure, digits_height, sums_title, images[1], captions[1])
    save(figure, path)


def write_count(count: int, limit: int) -> str:
    """Say how many images there are, and which of them are shown."""
    images = "1 image" if count == 1 else f"{count:,} images" if count else "none"
    return f"the {limit} most confident of {images}" if count > limit else images


def caption(mistake: Mistake) -> str:
    """Say what an image and its sum are, and what was read."""
    return (
        f"is {mistake.digit}, read {mistake.read_digit}\n"
        f"+{mistake.number}={mistake.digit + mistake.number}, read {mistake.read_sum}\n"
        f"{mistake.confidence:.1%} sure"
    )


def draw_tiles(
    figure: Figure,
    top: float,
    title: str,
    images: Sequence[UInt8[np.ndarray, "28 28"]],
    captions: Sequence[str],
) -> None:
    """Draw images in rows, dark on white as on paper, each above its caption.

    The title is `top` inches below the upper edge of the figure.
    """
    width, height = figure.get_size_inches()
    figure.text(
        0.01,
        1 - (top + TITLE_HEIGHT / 2) / height,
        title,
        fontsize=FONT_SIZE,
        color=INK,
        va="center",
    )
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(index, COLUMNS)
        left = (column + 0.5) * width / COLUMNS - TILE / 2
        bottom = height - top - TITLE_HEIGHT - row * measure_row(caption) - TILE
        axes = figure.add_axes((left / width, bottom / height, TILE / width, TILE / height))
        axes.set_axis_off()
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
        axes.text(13.5, 29, caption, fontsize=SMALL, color=INK, ha="center", va="top")


def measure_tiles(captions: Sequence[str]) -> float:
    """Compute how many inches high the images with their captions and title will be."""
    rows = ceil(len(captions) / COLUMNS)
    return TITLE_HEIGHT + (rows * measure_row(captions[0]) if captions else 0)


def measure_row(caption: str) -> float:
    """Compute how many inches high a row of images with such captions is."""
    return TILE + LINE_HEIGHT * len(caption.splitlines()) + ROW_GAP


@our_style
def draw_confusion(counts: Int[np.ndarray, "label label"], output: str, path: Path) -> None:
    """Draw how often each true digit or sum (row) was read as each (column).

    Only the mistakes are coloured: the diagonal outweighs them hundreds of times.
    """
    size = len(counts)
    mistakes = counts * (1 - np.eye(size, dtype=int))
    shades = np.log1p(mistakes) / np.log1p(max(mistakes.max(), FEWEST_DARK))
    figure = new_figure(CONFUSION_HEIGHTS[output], layout="constrained")
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
