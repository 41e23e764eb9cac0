"""Images in rows above their captions: what a run learnt from, and what it gets wrong."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from experiments.report.mistakes import Mistake
from experiments.report.sheet import FONT_SIZE, INK, SMALL, new_figure, our_style, save
from mnist_sum.data import Dataset

COLUMNS = 8  # images in a row
TILE, TITLE_HEIGHT, LINE_HEIGHT, ROW_GAP = 0.84, 0.35, 0.14, 0.12  # inches
SAMPLES, SHOWN_DIGITS, SHOWN_SUMS = 4 * COLUMNS, 3 * COLUMNS, 2 * COLUMNS


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
