"""Accuracies and losses by epoch, of one run and of many seeds."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from experiments.report.pictures import COLOURS, GREY, new_figure, our_style, save
from experiments.report.records import Records
from experiments.report.tables import count_decimals

DOT = {"marker": "o", "markersize": 3, "markevery": [-1]}  # at the end of a line
LINES: dict[str, dict[str, Any]] = {
    "train": {"linestyle": "--", "linewidth": 1, **DOT},
    "test": {"linestyle": "-", "linewidth": 1.8, **DOT},
}
LEAST_ERROR = 1e-4  # a perfect accuracy is drawn here, as 99.99 %
LEAST_LOSS = 1e-6
LEARNT = 0.1  # from this error on, what counts is the distance from 100 %
ROUND_VALUES = [m * 10.0**k for k in range(-7, 39) for m in (1, 2, 5)]
FEW_EPOCHS = 3  # all of which are shown
LABEL_GAP = 0.075  # least distance between labels, as a fraction of the height of the axes


@our_style
def draw_curves(records: Records, original: Records, path: Path) -> None:
    """Draw accuracies and losses by epoch; in grey, the original's in the same epochs, if given."""
    figure = new_figure(6.2)
    upper, lower = figure.subplots(2, 2, sharex=True)
    for above, below, (output, colour) in zip(upper, lower, COLOURS.items(), strict=True):
        if original:
            beside = original[: len(records)]
            draw_metric(above, beside, f"{output}_accuracy", GREY, "original ")
        draw_metric(above, records, f"{output}_accuracy", colour)
        draw_metric(below, records, f"{output}_loss", colour)
    scale_accuracies(upper, [*map(values_to_show, upper)])
    for axes in lower:
        scale_log(axes, [*chain(*map(values_to_show, lower))])
        axes.yaxis.set_major_formatter("{x:.10g}")
    finish(upper, "accuracy, %")
    finish(lower, "loss, nats", "epoch")
    save(figure, path)


@our_style
def draw_seeds(runs: Sequence[Records], path: Path) -> None:
    """Draw the test accuracies of several seeds by epoch: their mean, and the band they fill."""
    figure = new_figure(3.6)
    row, shown = figure.subplots(1, 2), []
    for axes, (output, colour) in zip(row, COLOURS.items(), strict=True):
        accuracies = np.array([[x["test"][f"{output}_accuracy"] for x in run] for run in runs])
        mean, std = 100 * accuracies[:, -1].mean(), 100 * accuracies[:, -1].std(ddof=1)
        decimals = count_decimals(std / 100, len(runs))
        errors = np.maximum(1 - accuracies, LEAST_ERROR)
        label = f"mean {mean:.{decimals}f}\nstd {std:.{decimals}f}"
        epochs = range(1, errors.shape[1] + 1)
        axes.plot(epochs, errors.mean(0), color=colour, label=label, **LINES["test"])
        axes.fill_between(epochs, errors.min(0), errors.max(0), color=colour, alpha=0.2, lw=0)
        shown.append(errors.ravel().tolist())
    scale_accuracies(row, shown)
    finish(row, "test accuracy, %", "epoch")
    what = f"Line: mean of {len(runs)} seeds. Band: from the lowest of them to the highest."
    figure.supxlabel(what)
    save(figure, path)


def draw_metric(axes: Axes, records: Records, metric: str, colour: str, owner: str = "") -> None:
    """Draw a metric in training and test; an accuracy as its error, 1 - accuracy."""
    for split in LINES:
        values = np.array([record[split][metric] for record in records])
        if metric.endswith("accuracy"):
            label, values = f"{100 * values[-1]:.2f}", np.maximum(1 - values, LEAST_ERROR)
        else:
            label, values = f"{values[-1]:.4f}", np.maximum(values, LEAST_LOSS)
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, color=colour, label=f"{owner}{split} {label}", **LINES[split])


def values_to_show(axes: Axes) -> list[float]:
    """List what a scale must span: all but the start of long training, which may lie far off."""
    values: list[float] = []
    for line in axes.lines:
        of_line = np.asarray(line.get_ydata()).tolist()
        is_whole = line.get_linestyle() == "-" or len(of_line) <= FEW_EPOCHS
        values += of_line if is_whole else of_line[-1:]
    return values


def scale_accuracies(row: Sequence[Axes], errors: Sequence[list[float]]) -> None:
    """Place accuracies in percent by the errors, 1 - accuracy, that each of the axes has to show.

    All have a common logarithmic scale, of the distance from 100 %, if each comes near to that.
    Where one does not, as after few epochs, it would lie on the floor: each has its own then, and
    what is not learnt is placed evenly, from zero.
    """
    learnt = [min(shown) < LEARNT for shown in errors]
    for axes, shown, is_learnt in zip(row, errors, learnt, strict=True):
        if is_learnt:
            scale_log(axes, [*chain(*errors)] if all(learnt) else shown)
        else:
            axes.set_ylim(min(*shown, 0.99), 1)
            axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])
            axes.set_ylim(axes.get_yticks()[0], 1)
        axes.yaxis.set_major_formatter(write_accuracy)
        axes.invert_yaxis()


def scale_log(axes: Axes, shown: list[float]) -> None:
    """Give axes a logarithmic scale from one round value to another."""
    first = bisect_right(ROUND_VALUES, min(shown)) - 1
    last = max(bisect_left(ROUND_VALUES, max(shown)), first + 1)
    ticks = ROUND_VALUES[first : last + 1]
    axes.set(ylim=(ticks[0], ticks[-1]), yscale="log", yticks=ticks)  # in this order
    axes.minorticks_off()


def write_accuracy(error: float, _: object = None) -> str:
    at_least = "≥ " if 0 < round(error, 9) <= LEAST_ERROR else ""
    return f"{at_least}{100 * (1 - error):.10g}"


def finish(row: Sequence[Axes], quantity: str, x_label: str = "") -> None:
    """Give the axes of both outputs their titles, and each line its label beside its end."""
    for axes, output in zip(row, COLOURS, strict=True):
        axes.set(title=f"{output.capitalize()} {quantity}", xlabel=x_label)
        axes.set_xlim(0.5, axes.dataLim.x1 + 0.5)
        axes.locator_params("x", nbins=6, steps=[1, 2, 3, 5, 10], integer=True, min_n_ticks=1)
        to_axes = axes.transData - axes.transAxes
        ends = [to_axes.transform(np.asarray(line.get_xydata())[-1])[1] for line in axes.lines]
        for line, height in zip(axes.lines, move_apart(ends, LABEL_GAP), strict=True):
            look = {"color": line.get_color(), "transform": axes.transAxes, "va": "center"}
            axes.text(1.01, height, str(line.get_label()), None, **look)
    row[1].tick_params(labelleft=row[1].get_ylim() != row[0].get_ylim())


def move_apart(heights: Sequence[float], gap: float) -> Float[np.ndarray, " label"]:
    """Move heights apart until none are closer than the gap, each as little as it can be."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    apart = np.empty(len(order))
    lowered = isotonic_regression(np.asarray(heights)[order] - steps).x
    apart[order] = np.maximum(lowered, gap / 2) + steps  # clear of what is written below zero
    return apart
