"""What is taken for what: a matrix of digits, and the sums that are misread most."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from experiments.report.pictures import COLOURS, GREY, INK, PALE, SMALL, new_figure, our_style, save

FEWEST_DARK = 10  # mistakes of one kind, at least, that are drawn in the full colour
MOST_PAIRS = 12  # of sums
BAR_LIMIT = 1.45  # of the longest bar, for what is written beside it


def count_confusions(
    truth: Int[Array | np.ndarray, "*batch"], logits: Float[Array | np.ndarray, "*batch label"]
) -> Int[np.ndarray, "label label"]:
    """Count how often each true label (row) was read as each label (column)."""
    counts = np.zeros((logits.shape[-1],) * 2, int)
    np.add.at(counts, (np.asarray(truth), np.asarray(logits).argmax(-1)), 1)
    return counts


def list_confusions(counts: Int[np.ndarray, "label label"]) -> list[tuple[int, int, int, int]]:
    """List each mistake's true label, label read, count and count of the label; frequent first."""
    confusions = [
        (int(truth), int(read), int(counts[truth, read]), int(counts[truth].sum()))
        for truth, read in np.argwhere(counts)
        if truth != read
    ]
    return sorted(confusions, key=lambda confusion: -confusion[2])


@our_style
def draw_digits(counts: Int[np.ndarray, "10 10"], path: Path) -> None:
    size = len(counts)
    mistakes = counts * (1 - np.eye(size, dtype=int))  # the right outweigh them hundreds of times
    shades = np.log1p(mistakes) / np.log1p(max(mistakes.max(), FEWEST_DARK))
    figure = new_figure(4.6)
    axes = figure.subplots()
    colours = LinearSegmentedColormap.from_list("", ["white", COLOURS["digit"]])
    mesh = axes.pcolormesh(range(size), range(size), shades, cmap=colours, vmin=0, vmax=1)
    mesh.set(edgecolor=PALE, linewidth=0.5, clip_on=False)  # or the outer lines would be thinner
    look: dict[str, Any] = {"size": SMALL + 1, "ha": "center", "va": "center_baseline"}
    for row, column in np.argwhere(counts):
        ink = GREY if row == column else "white" if shades[row, column] > 0.8 else INK
        axes.text(column, row, f"{counts[row, column]:,}", color=ink, **look)
    for row, of_label in enumerate(counts):
        axes.text(size, row, write_share(of_label[row], of_label.sum(), 1), color=GREY, **look)
    axes.set(title=write_total("Digits", counts), xlabel="digit that was read", ylabel="true digit")
    axes.set(xlim=(-0.5, size + 0.5), ylim=(size - 0.5, -0.5), yticks=range(size))
    axes.set_xticks(range(size + 1), [*map(str, range(size)), "right"])
    remove_frame(axes)
    save(figure, path)


@our_style
def draw_sums(counts: Int[np.ndarray, "19 19"], path: Path) -> None:
    """Draw which sums were misread most often, and how far off all that were misread are."""
    figure = new_figure(3.6)
    pairs, distances = figure.subplots(1, 2)
    figure.suptitle(write_total("Sums", counts), x=0.005, ha="left")
    confusions = list_confusions(counts)
    shown = confusions[:MOST_PAIRS]
    which = f"the {len(shown)} most frequent of " if len(confusions) > len(shown) else ""
    times = [count for *_, count, _ in shown]
    bars = pairs.barh(range(len(shown)), times, color=COLOURS["sum"], height=0.6)
    pairs.bar_label(bars, [f"{count:,} of {of:,}" for *_, count, of in shown], padding=3)
    pairs.set_yticks(range(len(shown)), [f"{truth} read as {read}" for truth, read, *_ in shown])
    pairs.set(title=f"Ways to misread one: {which}{len(confusions) or 'none'}", xticks=[])
    pairs.set(xlim=(0, BAR_LIMIT * max(times, default=1)), ylim=(MOST_PAIRS - 0.4, -0.6))
    remove_frame(pairs)
    furthest = len(counts) - 1
    offsets = np.arange(-furthest, furthest + 1)
    sizes = [0 if offset == 0 else int(np.trace(counts, offset)) for offset in offsets]
    distances.bar(offsets, sizes, color=COLOURS["sum"], width=0.6)
    distances.set(title="How far off all misread sums are", xticks=range(-15, 16, 5))
    distances.set_xlabel("sum that was read, minus the true one")
    distances.set(xlim=(-furthest - 1, furthest + 1), ylim=(0, max(1.05 * max(sizes), 1)))
    distances.locator_params(axis="y", nbins=5, integer=True)
    distances.yaxis.set_major_formatter("{x:,.0f}")
    save(figure, path)


def remove_frame(axes: Axes) -> None:
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


def write_total(what: str, counts: Int[np.ndarray, "label label"]) -> str:
    total = counts.sum()
    wrong = total - counts.trace()
    return f"{what}: {wrong:,} of {total:,} misread ({write_share(wrong, total, 2)})"


def write_share(part: int, whole: int, decimals: int) -> str:
    return f"{100 * part / whole:.{decimals}f} %" if whole else "-"
