"""Accuracies and losses by epoch, of one run and of many seeds."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from experiments.report.pictures import COLOURS, GREY, new_figure, our_style, save
from experiments.system.workdir import Records

DOT = {"marker": "o", "markersize": 3, "markevery": [-1]}  # at the end of a line
LINES: dict[str, dict[str, Any]] = {
    "train": {"linestyle": "--", "linewidth": 1, **DOT},
    "test": {"linestyle": "-", "linewidth": 1.8, **DOT},
}
PERCENTS = 1, 2, 5, 10, 20, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99
LEAST, MOST = 0.01, 0.9999  # 0 and 100 % are drawn here
ACCURACIES = {round(x / 100, 4): f"{x}" for x in PERCENTS} | {LEAST: "≤ 1", MOST: "≥ 99.99"}
ROUND = [m * 10.0**k for k in range(-6, 39) for m in (1, 2, 5)]
LOSSES = {x: f"{x:.10g}".replace("-", "\N{MINUS SIGN}") for x in ROUND}
FEW_EPOCHS = 3  # all of which are shown
LABEL_GAP = 0.075  # least distance between labels, as a fraction of the height of the axes


@our_style
def draw_curves(records: Records, original: Records, path: Path) -> None:
    """Draw accuracies and losses by epoch; in grey, the original's in the same epochs, if given."""
    figure = new_figure(6.2)
    upper, lower = figure.subplots(2, 2, sharex=True, sharey="row")
    accuracies, losses = list[float](), list[float]()
    for above, below, (output, colour) in zip(upper, lower, COLOURS.items(), strict=True):
        if beside := original[: len(records)]:
            accuracies += draw_metric(above, beside, f"{output}_accuracy", GREY, "original ")
        accuracies += draw_metric(above, records, f"{output}_accuracy", colour)
        losses += draw_metric(below, records, f"{output}_loss", colour)
    scale(upper[0], "logit", ACCURACIES, accuracies)
    scale(lower[0], "log", LOSSES, losses)
    finish(upper, "accuracy, %")
    finish(lower, "loss, nats", "epoch")
    save(figure, path)


@our_style
def draw_seeds(runs: Sequence[Records], path: Path) -> None:
    """Draw the test accuracies of several seeds by epoch: their mean, and the band they fill."""
    figure = new_figure(3.6)
    row, shown = figure.subplots(1, 2, sharey=True), list[float]()
    for axes, (output, colour) in zip(row, COLOURS.items(), strict=True):
        accuracies = np.array([[x["test"][f"{output}_accuracy"] for x in run] for run in runs])
        mean, std = accuracies[:, -1].mean(), accuracies[:, -1].std(ddof=1)
        label = f"mean {100 * mean:.2f}\nstd {100 * std:.2f}"
        accuracies = np.clip(accuracies, LEAST, MOST)
        epochs = range(1, accuracies.shape[1] + 1)
        axes.plot(epochs, accuracies.mean(0), color=colour, label=label, **LINES["test"])
        band = accuracies.min(0), accuracies.max(0)
        axes.fill_between(epochs, *band, color=colour, alpha=0.2, lw=0)
        shown += accuracies.ravel().tolist()
    scale(row[0], "logit", ACCURACIES, shown)
    finish(row, "test accuracy, %", "epoch")
    what = f"Line: mean of {len(runs)} seeds. Band: from the lowest of them to the highest."
    figure.supxlabel(what)
    save(figure, path)


def draw_metric(
    axes: Axes, records: Records, metric: str, colour: str, owner: str = ""
) -> list[float]:
    """Draw a metric in training and test.

    Returns what a scale must span: all but the start of long training, which may lie far off.
    """
    shown: list[float] = []
    for split in LINES:
        values = np.array([record[split][metric] for record in records])
        if metric.endswith("accuracy"):
            label, values = f"{100 * values[-1]:.2f}", np.clip(values, LEAST, MOST)
        else:
            label, values = f"{values[-1]:.4f}", np.maximum(values, ROUND[0])
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, color=colour, label=f"{owner}{split} {label}", **LINES[split])
        shown += values[0 if split == "test" or len(values) <= FEW_EPOCHS else -1 :].tolist()
    return shown


def scale(axes: Axes, kind: str, labels: dict[float, str], shown: list[float]) -> None:
    """Give axes, and those that share them, a scale from one of the labelled values to another."""
    values = list(labels)
    first = min(bisect_right(values, min(shown)) - 1, len(values) - 2)
    last = max(bisect_left(values, max(shown)), first + 1)
    axes.set(ylim=(values[first], values[last]), yscale=kind)
    axes.set_yticks(values[first : last + 1], [*labels.values()][first : last + 1])
    axes.minorticks_off()


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


def move_apart(heights: Sequence[float], gap: float) -> Float[np.ndarray, " label"]:
    """Move heights apart until none are closer than the gap, each as little as it can be."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(order))
    apart = np.empty(len(order))
    lowered = isotonic_regression(np.asarray(heights)[order] - steps).x
    apart[order] = np.maximum(lowered, gap / 2) + steps  # clear of what is written below zero
    return apart
