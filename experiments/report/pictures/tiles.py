"""Images in rows above their captions: what a run learnt from, and what it gets right and wrong."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from experiments.report.pictures import TITLE_SIZE, WIDTH, new_sheet, our_style, save
from mnist_sum.data import Dataset
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs
from mnist_sum.reading.answer import write_percent
from mnist_sum.recipe import Recipe

COLUMNS = 6  # images in a row: as many as have room for their captions
MOST_SAMPLES, MOST_ANSWERS, MISREAD_DIGITS, MISREAD_SUMS = (rows * COLUMNS for rows in (4, 2, 3, 2))
NUMBERS = {  # that training adds to an image
    "fixed": "each is trained with one number",
    "all": "each is trained with all ten numbers",
    "fresh": "each gets one of ten numbers in every epoch",
}
DISTORTIONS = ("shift", "rotation", "scale", "shear")  # fields of a recipe
TILE, TITLE_HEIGHT, LINE_HEIGHT, ROW_GAP = 0.84, 0.4, 0.14, 0.22  # inches

Tile = tuple[UInt8[np.ndarray, "28 28"], str]  # an image and its caption


class Reading(NamedTuple):
    """An image, the number added to its digit, and how probable the network found each answer."""

    image: UInt8[np.ndarray, "28 28"]
    digit: int
    number: int
    digits: Float[np.ndarray, "10"]
    sums: Float[np.ndarray, "19"]


def sort_out(test: Dataset, outputs: Outputs) -> tuple[list[Reading], list[Reading], list[Reading]]:
    """List what is read right, what digit is misread, and what sum though the digit is right.

    The first two are with each image's own number, the last with the number that goes wrong most
    confidently. The most confident mistakes come first.
    """
    digits = np.exp(np.asarray(outputs.digit_log_probabilities))
    sums = np.asarray(jax.nn.softmax(outputs.sum_logits))
    is_right = digits.argmax(-1) == test.digit
    sum_is_right = sums.argmax(-1) == np.asarray(all_sums(test.digit))
    worst = np.where(sum_is_right, 0, sums.max(-1)).argmax(-1)

    def read(chosen: Bool[np.ndarray, " image"], number: Int[Any, " image"]) -> list[Reading]:
        columns = (x[chosen] for x in (test.image, test.digit, number, digits))
        return [*map(Reading, *columns, sums[chosen, number[chosen]])]

    right = read(is_right & sum_is_right[np.arange(len(worst)), test.number], test.number)
    misread = read(~is_right, test.number)
    misadded = read(is_right & ~sum_is_right.all(-1), worst)
    misread.sort(key=lambda x: -x.digits.max())
    misadded.sort(key=lambda x: -x.sums.max())
    return right, misread, misadded


@our_style
def draw_samples(dataset: Dataset, recipe: Recipe, path: Path) -> None:
    is_fixed = recipe.numbers == "fixed"
    tiles = [
        (image, f"{digit} + {number} = {digit + number}" if is_fixed else f"{digit}")
        for image, digit, number in zip(*(x[:MOST_SAMPLES] for x in dataset), strict=True)
    ]
    images = f"The first {len(tiles)} training images"
    if any(getattr(recipe, field) for field in DISTORTIONS):
        images += ", before they are distorted"
    numbers = NUMBERS[recipe.numbers].replace("ten", "nine" if recipe.unseen_pairs else "ten")
    draw_tiles({f"{images}: {numbers}": tiles}, path)


@our_style
def draw_right_answers(answers: Sequence[Reading], path: Path) -> None:
    what, which = "Digit and sum read right", "the first {}"
    draw_tiles(choose(what, answers, MOST_ANSWERS, which, caption_answer), path)


@our_style
def draw_mistakes(digits: Sequence[Reading], sums: Sequence[Reading], path: Path) -> None:
    """Draw the most confident mistakes: digits misread, and sums misread of digits read right."""
    what, which = "Digit read right, but a sum misread", "the {} most confident"
    groups = choose("Digit misread", digits, MISREAD_DIGITS, which, caption_mistake)
    draw_tiles(groups | choose(what, sums, MISREAD_SUMS, which, caption_mistake), path)


def choose(
    what: str, readings: Sequence[Reading], limit: int, which: str, write: Callable[[Reading], str]
) -> dict[str, list[Tile]]:
    """Take readings up to a limit, with their captions, under a title that counts all."""
    count = len(readings)
    images = "1 image" if count == 1 else f"{count:,} images" if count else "none"
    title = f"{what}: {which.format(limit)} of {images}" if count > limit else f"{what}: {images}"
    return {title: [(x.image, write(x)) for x in readings[:limit]]}


def caption_answer(answer: Reading) -> str:
    _, digit, number, digits, sums = answer
    return (
        f"{digit} + {number} = {digit + number}\n"
        f"digit {digit}: {write_percent(digits[digit], 2)} %\n"
        f"sum {digit + number}: {write_percent(sums[digit + number], 2)} %"
    )


def caption_mistake(mistake: Reading) -> str:
    _, digit, number, digits, sums = mistake
    sum_, read_digit, read_sum = digit + number, digits.argmax(), sums.argmax()
    wrong, probability = f"digit {read_digit}", digits.max()
    if read_digit == digit:
        wrong, probability = f"sum {read_sum}", sums.max()
    return (
        f"digit {digit}, {'right' if read_digit == digit else f'read {read_digit}'}\n"
        f"{digit} + {number} = {sum_}, {'right' if read_sum == sum_ else f'read {read_sum}'}\n"
        f"{write_percent(probability, 1)} % for {wrong}"
    )


def draw_tiles(groups: Mapping[str, Sequence[Tile]], path: Path) -> None:
    """Draw groups of images one below the other, dark on white, each group under its title."""
    figure, axes = new_sheet(1)
    top = 0.0
    for title, tiles in groups.items():
        axes.text(0.08, top + TITLE_HEIGHT / 2, title, fontsize=TITLE_SIZE, va="center")
        top += TITLE_HEIGHT
        lines = max((len(caption.splitlines()) for _, caption in tiles), default=0)
        for start in range(0, len(tiles), COLUMNS):
            for column, (image, caption) in enumerate(tiles[start : start + COLUMNS]):
                middle = (column + 0.5) * WIDTH / COLUMNS
                place = middle - TILE / 2, middle + TILE / 2, top + TILE, top
                axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, extent=place)
                axes.text(middle, top + 1.05 * TILE, caption, ha="center", va="top")
            top += TILE + LINE_HEIGHT * lines + ROW_GAP
    figure.set_figheight(top)
    axes.set(xlim=(0, WIDTH), ylim=(top, 0), aspect="auto")
    save(figure, path)
