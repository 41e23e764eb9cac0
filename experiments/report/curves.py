"""Accuracies and losses by epoch, of one run and of many seeds."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from experiments.report.sheet import (
    COLOURS,
    GREY,
    SMALL,
    new_figure,
    our_style,
    save,
    set_title,
    style,
)

TRAIN_LINE, TEST_LINE = "--", "-"
LEAST_ERROR = 1e-4  # a perfect accuracy is drawn here, as 99.99 %
LEAST_LOSS = 1e-6
ROUND_VALUES = [m * 10.0**k for k in range(-7, 39) for m in (1, 2, 5)]
LABEL_GAP = 0.075  # least distance between labels, as a fraction of the height of the axes


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
