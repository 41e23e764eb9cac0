"""A picture of answers: what was there, what the network was given of it, what it makes of that."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Float

from mnist_sum.errors import UsageError, reasons_of_matplotlib
from mnist_sum.outputs import MARK, PNG_MARK, check_output, write_output
from mnist_sum.reading.answer import Answer, name_best, name_runner_up, write_percent
from mnist_sum.reading.opening import open_pages

with reasons_of_matplotlib():
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = {"the picture": 1.5, "the network sees": 1.5, "the digit": 2.6, "the sum": 4.4}  # inches
PROGRAM = MARK.decode()
# How a picture is marked, and found to be: a newer one may replace it. A PNG's mark ends with its
# checksum, where that of a report's picture goes on.
MARKS: dict[str, tuple[dict[str, Any], bytes]] = {
    ".png": ({"metadata": {"Software": PROGRAM}}, PNG_MARK + crc32(PNG_MARK).to_bytes(4)),
    ".jpg": ({"pil_kwargs": {"comment": PROGRAM}}, b"\xff\xfe\0\x0b" + MARK),
    ".pdf": ({"metadata": {"Creator": PROGRAM}}, b"/Creator (" + MARK + b")"),
    ".svg": ({"metadata": {"Creator": PROGRAM}}, b"<dc:title>" + MARK + b"</dc:title>"),
}
LARGEST = 400  # pixels of a side that are drawn of a picture
LONGEST = 40  # characters of a file's name, at its end
MOST = 100  # answers in a picture, which would be too high to look at
BAR, HIGHEST_BAR = "#9db7d5", "#1f5fa8"


def check_picture(path: Path, inputs: Iterable[Path]) -> None:
    """Raise UsageError unless a picture can be written there, and no file of the user's is lost."""
    suffix = path.suffix.lower()
    if suffix not in MARKS:
        *others, last = MARKS
        raise UsageError(f"--picture {path} must end in {', '.join(others)} or {last}.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}: name another.")
    check_output(path, inputs, MARKS[suffix][1])


def draw_answers(answers: Sequence[Answer], path: Path) -> None:
    """Draw a row for each answer, in the format of the path's suffix; raises UsageError."""
    titles = list(COLUMNS)[: 3 if answers[0].number is None else 4]
    widths = [COLUMNS[title] for title in titles]
    with mpl.rc_context({"text.parse_math": False, "font.size": 9}):
        figure = Figure(figsize=(sum(widths), 2.2 * len(answers)), layout="constrained")
        rows = figure.subplots(len(answers), len(titles), squeeze=False, width_ratios=widths)
        for axes, title in zip(rows[0], titles, strict=True):
            axes.set_title(title)
        for row, answer in zip(rows, answers, strict=True):
            draw_answer(row, answer)
        suffix = path.suffix.lower()
        settings = {"format": suffix[1:], "dpi": 120, **MARKS[suffix][0]}
        write_output(path, lambda file: figure.savefig(file, **settings))


def draw_answer(row: Sequence[Axes], answer: Answer) -> None:
    """Draw one answer from left to right."""
    picture, seen, *bars = row
    image = next(x for _, page, x in open_pages(answer.picture) if page == answer.page)
    image.thumbnail((LARGEST, LARGEST))
    picture.imshow(image.convert("RGBA"))
    title = f"{answer.name} ({answer.page})" if answer.page else answer.name
    title = title.encode("ascii", "backslashreplace").decode()  # all of which can be drawn
    picture.set_xlabel(title if len(title) <= LONGEST else f"...{title[-LONGEST:]}")
    seen.imshow(answer.image, cmap="gray", vmin=0, vmax=255)
    if answer.number is not None:
        seen.set_xlabel(f"add {answer.number}")
    for axes in (picture, seen):
        axes.set(xticks=[], yticks=[])
    for axes, probabilities in zip(bars, (answer.digits, answer.sums), strict=False):
        draw_bars(axes, probabilities)


def draw_bars(axes: Axes, probabilities: Float[np.ndarray, " value"]) -> None:
    """Draw a bar for each value that there may be, the highest one darker and with its figure."""
    values, highest = range(len(probabilities)), int(probabilities.argmax())
    axes.bar(values, probabilities, color=[HIGHEST_BAR if x == highest else BAR for x in values])
    if name_runner_up(probabilities):
        axes.set_xlabel(name_best(probabilities))
    else:
        sure = f"{write_percent(probabilities[highest], 2)} %"
        axes.annotate(sure, (highest, probabilities[highest] + 0.03), ha="center")
    axes.set(xticks=values, ylim=(0, 1.15), yticks=[])
    axes.spines[["top", "left", "right"]].set_visible(False)
