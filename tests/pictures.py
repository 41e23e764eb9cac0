"""What the tests of pictures share: numbers to draw, and a look at what is drawn."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from experiments.report import pictures


def make_records(epochs: int, error: float = 0.01) -> list[dict[str, Any]]:
    """Make the records of a run whose errors fall to a given one, the sum's to twice that."""
    records = []
    for epoch in range(1, epochs + 1):
        errors = {"digit": error * (2 - epoch / epochs), "sum": 2 * error * (2 - epoch / epochs)}
        averages = {f"{output}_accuracy": 1 - value for output, value in errors.items()}
        averages |= {f"{output}_loss": 3 * value for output, value in errors.items()}
        speed = {"seconds": 2.0, "examples_per_second": 2000.0}
        records.append({"epoch": epoch, "train": averages, "test": averages, **speed})
    return records


def size_of_png(path: Path) -> tuple[int, int]:
    """Read width and height from a file that must be a PNG of ours."""
    with Image.open(path) as image:
        assert (image.format, image.info["Software"]) == ("PNG", "mnist_sum")
        return image.size


def catch_figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Have what is drawn put into a list instead of files."""
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    monkeypatch.setattr(pictures, "write_whole", lambda path, write: write(None))
    return figures


def texts_of(figure: Figure) -> list[str]:
    """List what is written in a figure, line by line."""
    return [text.get_text() for text in shown_texts(figure)]


def shown_texts(figure: Figure) -> list[Text]:
    """Find the texts of a figure that are drawn, among them those of ticks within the limits."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not axes.axison or not first <= tick.get_loc() <= last:
                    hidden |= {tick.label1, tick.label2}
    texts = [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]
    shown = [x for x in texts if x.get_visible() and x.get_text() and x not in hidden]
    boxes = {text: text.get_window_extent() for text in shown}
    return sorted(shown, key=lambda text: (-round(boxes[text].y1), boxes[text].x0))


def assert_texts_are_apart(figure: Figure, gap: float = 0.01) -> None:
    """Check that no text leaves the figure, and none is closer to another than so many inches."""
    boxes = [(text, text.get_window_extent()) for text in shown_texts(figure)]
    assert boxes
    for text, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0
        inside &= box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height
        assert inside, f"{text.get_text()!r} leaves the picture"
    for (one, box), (other, other_box) in combinations(boxes, 2):
        apart = not box.padded(gap * figure.dpi).overlaps(other_box)
        assert apart, f"{one.get_text()!r} touches {other.get_text()!r}"
