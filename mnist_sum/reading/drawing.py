"""A picture of answers: what was there, what the network was given of it, what it makes of that."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from mnist_sum.reading.answer import Answer, write_probability

TITLES = ("the picture", "the network sees", "the digit", "the sum")
LARGEST = 400  # pixels of a side that are drawn of a picture
LONGEST = 40  # characters of a file's name
BAR, HIGHEST_BAR = "#9db7d5", "#1f5fa8"


def draw_answers(answers: Sequence[Answer], path: Path) -> None:
    """Draw a row for each answer into a PNG file; raises OSError if it cannot be written."""
    with mpl.rc_context({"text.parse_math": False, "font.size": 9}):
        figure = Figure(figsize=(10, 2.2 * len(answers)), layout="constrained")
        FigureCanvasAgg(figure)
        rows = figure.subplots(
            len(answers), len(TITLES), squeeze=False, width_ratios=(1.3, 1.3, 2.2, 3.6)
        )
        for axes, title in zip(rows[0], TITLES, strict=True):
            axes.set_title(title)
        for row, answer in zip(rows, answers, strict=True):
            draw_answer(row, answer)
        figure.savefig(path, format="png", dpi=120)


def draw_answer(row: Sequence[Axes], answer: Answer) -> None:
    """Draw one answer from left to right."""
    picture, seen, digits, sums = row
    picture.imshow(thumbnail(answer.file))
    picture.set_xlabel(shorten(answer.file))
    seen.imshow(answer.image, cmap="gray", vmin=0, vmax=255)
    seen.set_xlabel(f"add {answer.number}")
    for axes in (picture, seen):
        axes.set(xticks=[], yticks=[])
    draw_bars(digits, answer.digits)
    draw_bars(sums, answer.sums)


def draw_bars(axes: Axes, probabilities: Float[np.ndarray, " value"]) -> None:
    """Draw a bar for each value that there may be, the highest one darker and with its figure."""
    highest = int(probabilities.argmax())
    colors = [HIGHEST_BAR if value == highest else BAR for value in range(len(probabilities))]
    axes.bar(range(len(probabilities)), probabilities, color=colors)
    sure = write_probability(float(probabilities[highest]), 2)
    axes.annotate(sure, (highest, probabilities[highest] + 0.03), ha="center")
    axes.set(xticks=range(len(probabilities)), ylim=(0, 1.15), yticks=[])
    axes.spines[["top", "left", "right"]].set_visible(False)


def thumbnail(file: str) -> Image.Image:
    """Read a picture again as it is, upright and small."""
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((LARGEST, LARGEST))
        return upright.convert("RGBA")


def shorten(name: str) -> str:
    """Keep the end of a long name, and no character that cannot be drawn."""
    shown = name.encode("ascii", "backslashreplace").decode()
    return shown if len(shown) <= LONGEST else f"...{shown[-LONGEST:]}"
