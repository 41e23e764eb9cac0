"""Scales of curves: from which value to which, and the round ones between that are labelled."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

LEAST_ERROR = 1e-4  # a perfect accuracy is drawn here, as 99.99 %
LEARNT = 0.1  # from this error on, what counts is the distance from 100 %
ROUND_VALUES = [m * 10.0**k for k in range(-7, 39) for m in (1, 2, 5)]


class Scale(NamedTuple):
    """The labelled values of an axis, from its lower end to its upper."""

    kind: Literal["linear", "log"]
    values: list[float]
    labels: list[str]


def accuracy_scales(panels: Sequence[Sequence[float]]) -> list[Scale]:
    """Choose the scale of each panel for the errors, 1 - accuracy, that it has to show.

    The panels have a common one, of the distance from 100 %, if each of them comes near to that.
    Where one does not, as after few epochs, it would lie on the floor: each has its own then, and
    what is not learnt begins at zero.
    """
    learnt = [min(errors) < LEARNT for errors in panels]
    if all(learnt):
        return [distance_scale(list(chain.from_iterable(panels)))] * len(panels)
    return [
        distance_scale(errors) if is_learnt else scale_from_zero(errors)
        for errors, is_learnt in zip(panels, learnt, strict=True)
    ]


def distance_scale(errors: Sequence[float]) -> Scale:
    """Place accuracies by their distance from 100 %, so that the last tenths can be read."""
    values = round_values(errors)[::-1]
    return Scale("log", values, [write_accuracy(value) for value in values])


def scale_from_zero(errors: Sequence[float]) -> Scale:
    """Place accuracies evenly, from none upward."""
    best = max(1 - min(errors), 0.01)
    accuracies = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0, best)
    return Scale(
        "linear", [float(1 - x) for x in accuracies], [f"{100 * x:.10g}" for x in accuracies]
    )


def loss_scales(panels: Sequence[Sequence[float]]) -> list[Scale]:
    """Give all panels of losses the same logarithmic scale."""
    values = round_values(list(chain.from_iterable(panels)))
    return [Scale("log", values, [f"{value:.10g}" for value in values])] * len(panels)


def round_values(shown: Sequence[float]) -> list[float]:
    """List the round values that span others."""
    last = bisect_left(ROUND_VALUES, max(shown))
    first = min(bisect_right(ROUND_VALUES, min(shown)), last) - 1
    return ROUND_VALUES[first : last + 1]


def write_accuracy(error: float) -> str:
    """Write an error as an accuracy in percent."""
    at_least = "≥ " if error <= LEAST_ERROR else ""
    return f"{at_least}{100 * (1 - error):.10g}"


def set_scale(axes: Axes, scale: Scale) -> None:
    """Give axes a scale."""
    axes.set_yscale(scale.kind)
    axes.set_yticks(scale.values, scale.labels)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(scale.values[0], scale.values[-1])
