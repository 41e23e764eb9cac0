"""Images in rows above their captions: what a run learnt from, and what it gets right and wrong."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from experiments.report.answers import RightAnswer
from experiments.report.mistakes import Mistake
from experiments.report.sheet import FONT_SIZE, INK, SMALL, new_figure, our_style, save
from mnist_sum.data import Dataset
from mnist_sum.reading.answer import write_probability
from mnist_sum.recipe import Recipe

COLUMNS = 6  # images in a row: as many as have room for their captions
MOST_SAMPLES, MOST_ANSWERS, MISREAD_DIGITS, MISREAD_SUMS = (rows * COLUMNS for rows in (4, 2, 3, 2))
DISTORTIONS = ("shift", "rotation", "scale", "shear", "elastic", "erase")  # fields of a recipe
TILE, TITLE_HEIGHT, LINE_HEIGHT, ROW_GAP = 0.84, 0.4, 0.14, 0.22  # inches


class Tiles(NamedTuple):
    """Images under a title, each with its caption."""

    title: str
    images: list[UInt8[np.ndarray, "28 28"]]
    captions: list[str]

    @property
    def row_height(self) -> float:
        """How many inches high a row of images with their captions is."""
        lines = max(len(caption.splitlines()) for caption in self.captions)
        return TILE + LINE_HEIGHT * lines + ROW_GAP

    @property
    def height(self) -> float:
        """How many inches high the images with their captions and the title are."""
        rows = ceil(len(self.images) / COLUMNS)
        return TITLE_HEIGHT + (rows * self.row_height if rows else 0)


@our_style
def draw_samples(dataset: Dataset, recipe: Recipe, path: Path) -> None:
    """Draw the first images to train on, with what training adds to them."""
    first = Dataset(*(np.asarray(x)[:MOST_SAMPLES] for x in dataset))
    images = f"The first {len(first.digit)} training images"
    if any(getattr(recipe, field) for field in DISTORTIONS):
        images += ", before they are distorted"
    title = f"{images}: {describe_numbers(recipe)}"
    captions = [
        write_sum(digit, number) if recipe.numbers == "fixed" else str(digit)
        for digit, number in zip(first.digit, first.number, strict=True)
    ]
    draw_tiles([Tiles(title, list(first.image), captions)], path)


@our_style
def draw_answers(answers: Sequence[RightAnswer], path: Path) -> None:
    """Draw the first right answers, with the probabilities of digit and sum."""
    shown = answers[:MOST_ANSWERS]
    count = write_count(len(answers), MOST_ANSWERS, "the first {}")
    images, captions = [answer.image for answer in shown], [*map(caption_answer, shown)]
    draw_tiles([Tiles(f"Digit and sum read right: {count}", images, captions)], path)


@our_style
def draw_mistakes(digits: Sequence[Mistake], sums: Sequence[Mistake], path: Path) -> None:
    """Draw the most confident mistakes: digits misread, and sums misread of digits read right."""
    groups = (
        ("Digit misread", digits, MISREAD_DIGITS),
        ("Digit read right, but a sum misread", sums, MISREAD_SUMS),
    )
    draw_tiles(
        [
            Tiles(
                f"{what}: {write_count(len(mistakes), limit, 'the {} most confident')}",
                [mistake.image for mistake in mistakes[:limit]],
                [*map(caption_mistake, mistakes[:limit])],
            )
            for what, mistakes, limit in groups
        ],
        path,
    )


def describe_numbers(recipe: Recipe) -> str:
    """Say which numbers training adds to an image."""
    if recipe.numbers == "fixed":
        return "each is trained with one number"
    if recipe.numbers == "all":
        return "each is trained with all ten numbers"
    numbers = "nine" if recipe.unseen_pairs else "ten"
    return f"each epoch draws one of {numbers} numbers for each"


def write_count(count: int, limit: int, which: str) -> str:
    """Say how many images there are, and which of them are shown if not all."""
    images = "1 image" if count == 1 else f"{count:,} images" if count else "none"
    return f"{which.format(limit)} of {images}" if count > limit else images


def write_sum(digit: int, number: int) -> str:
    """Write an image's digit, its number and their sum."""
    return f"{digit} + {number} = {digit + number}"


def caption_answer(answer: RightAnswer) -> str:
    """Say what was read right, and how probable it was found."""
    return (
        f"{write_sum(answer.digit, answer.number)}\n"
        f"digit {answer.digit}: {write_probability(answer.digit_probability, 2)}\n"
        f"sum {answer.digit + answer.number}: {write_probability(answer.sum_probability, 2)}"
    )


def caption_mistake(mistake: Mistake) -> str:
    """Say what digit and sum are and were read as, and how probable the wrong one was found."""
    digit, sum_ = mistake.digit, mistake.digit + mistake.number
    if mistake.read_digit == digit:
        wrong = f"sum {mistake.read_sum}"
    else:
        wrong = f"digit {mistake.read_digit}"
    return (
        f"digit {digit}, {write_reading(digit, mistake.read_digit)}\n"
        f"{write_sum(digit, mistake.number)}, {write_reading(sum_, mistake.read_sum)}\n"
        f"{write_probability(mistake.confidence, 1)} for {wrong}"
    )


def write_reading(truth: int, read: int) -> str:
    """Say what a digit or a sum was read as."""
    return "right" if read == truth else f"read {read}"


def draw_tiles(groups: Sequence[Tiles], path: Path) -> None:
    """Draw groups of images one below the other."""
    figure = new_figure(sum(group.height for group in groups))
    top = 0.0
    for group in groups:
        draw_group(figure, top, group)
        top += group.height
    save(figure, path)


def draw_group(figure: Figure, top: float, tiles: Tiles) -> None:
    """Draw images in rows, dark on white as on paper, so many inches below the figure's edge."""
    width, height = figure.get_size_inches()
    title_y = 1 - (top + TITLE_HEIGHT / 2) / height
    figure.text(0.01, title_y, tiles.title, fontsize=FONT_SIZE, color=INK, va="center")
    for index, (image, caption) in enumerate(zip(tiles.images, tiles.captions, strict=True)):
        row, column = divmod(index, COLUMNS)
        left = (column + 0.5) * width / COLUMNS - TILE / 2
        bottom = height - top - TITLE_HEIGHT - row * tiles.row_height - TILE
        axes = figure.add_axes((left / width, bottom / height, TILE / width, TILE / height))
        axes.set_axis_off()
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
        axes.text(13.5, 29, caption, fontsize=SMALL, color=INK, ha="center", va="top")
