"""What tests of pictures share: numbers to draw, and the size of what is drawn."""

from pathlib import Path
from typing import Any

from PIL import Image


def make_records(epochs: int, error: float = 0.01) -> list[dict[str, Any]]:
    """Make the records of a run whose errors fall to a given one, the sum's to twice that."""
    records = []
    for epoch in range(1, epochs + 1):
        errors = {"digit": error * (2 - epoch / epochs), "sum": 2 * error * (2 - epoch / epochs)}
        averages = {f"{output}_accuracy": 1 - value for output, value in errors.items()}
        averages |= {f"{output}_loss": 3 * value for output, value in errors.items()}
        speed = {"seconds": 2.0, "examples_per_second": 2000.0}
        records.append({"epoch": epoch, "train": averages, "test": {**averages}, **speed})
    return records


def size_of_png(path: Path) -> tuple[int, int]:
    """Read width and height from a file that must be a PNG of ours."""
    with Image.open(path) as image:
        assert (image.format, image.info["Software"]) == ("PNG", "mnist_sum report")
        return image.size
