"""Accuracies and losses by epoch, of one run and of many seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.report.percent import count_decimals
from experiments.report.scales import LEAST_ERROR, Scale, accuracy_scales, loss_scales, set_scale
from experiments.report.sheet import (
    COLOURS,
    GREY,
    INK,
    SMALL,
    new_figure,
    our_style,
    save,
    set_title,
    style,
)

TRAIN_LINE, TEST_LINE = "--", "-"
LEAST_LOSS = 1e-6
FEW_EPOCHS = 3  # all of which are shown
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
    """Draw accuracies and losses by epoch; in grey, the original's in the same epochs."""
    figure = new_figure(6.2, layout="constrained")
    upper, lower = figure.subplots(2, 2, sharex=True)
    accuracies = [
        accuracy_curves(original[: len(records)], output, GREY, "original ")
        + accuracy_curves(records, output, colour)
        for output, colour in COLOURS.items()
    ]
    losses = [loss_curves(records, output, colour) for output, colour in COLOURS.items()]
    draw_row(upper, "accuracy, %", accuracies, accuracy_scales([*map(values_to_show, accuracies)]))
    draw_row(lower, "loss, nats", losses, loss_scales([*map(values_to_show, losses)]))
    for axes in lower:
        axes.set_xlabel("epoch", fontsize=SMALL)
    save(figure, path)


@our_style
def draw_seeds(runs: Sequence[Sequence[dict[str, Any]]], path: Path) -> None:
    """Draw the test accuracies of several seeds by epoch: their mean, and the band they fill."""
    figure = new_figure(3.6, layout="constrained")
    panels, bands = [], []
    for output, colour in COLOURS.items():
        accuracies = np.array([[r["test"][f"{output}_accuracy"] for r in run] for run in runs])
        errors = np.maximum(1 - accuracies, LEAST_ERROR)
        label = write_spread(accuracies[:, -1])
        panels.append([Curve(label, errors.mean(0).tolist(), colour, is_test=True)])
        bands.append((errors.min(0), errors.max(0)))
    row = figure.subplots(1, 2)
    scales = accuracy_scales([np.concatenate(band).tolist() for band in bands])
    draw_row(row, "test accuracy, %", panels, scales)
    for axes, (curve,), (least, most) in zip(row, panels, bands, strict=True):
        epochs = range(1, len(least) + 1)
        axes.fill_between(epochs, least, most, color=curve.colour, alpha=0.2, linewidth=0)
        axes.set_xlabel("epoch", fontsize=SMALL)
    note = f"Line: mean of {len(runs)} seeds. Band: from the lowest of them to the highest."
    figure.supxlabel(note, fontsize=SMALL, color=INK)
    save(figure, path)


def write_spread(accuracies: Float[np.ndarray, " seed"]) -> str:
    """Write mean and standard deviation of accuracies in percent."""
    std = float(accuracies.std(ddof=1))
    decimals = count_decimals(std, len(accuracies))
    return f"mean {100 * accuracies.mean():.{decimals}f}\nstd {100 * std:.{decimals}f}"


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


def values_to_show(curves: Sequence[Curve]) -> list[float]:
    """List what a scale must span: all of the tests, and the end of every curve.

    The first of many epochs of training may lie outside, so that the others can be told apart.
    """
    values = []
    for curve in curves:
        is_whole = curve.is_test or len(curve.values) <= FEW_EPOCHS
        values += curve.values if is_whole else curve.values[-1:]
    return values


def draw_row(
    row: Sequence[Axes], title: str, panels: list[list[Curve]], scales: list[Scale]
) -> None:
    """Draw the curves of both outputs side by side, each with its label."""
    for axes, output, curves, scale in zip(row, COLOURS, panels, scales, strict=True):
        set_title(axes, f"{output.capitalize()} {title}")
        style(axes)
        for curve in curves:
            draw_curve(axes, curve)
        set_scale(axes, scale)
        axes.set_xlim(0.5, max(len(curve.values) for curve in curves) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        label_curves(axes, curves)
    if scales[0] == scales[1]:
        row[1].tick_params(labelleft=False)


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
