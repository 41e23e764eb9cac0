"""Pictures as people have them, and the image of MNIST that is made of each."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_sum.data import load
from mnist_sum.reading.image import read_image
from tests.scan import DIGIT, INK


def distance(image: np.ndarray) -> float:
    """Compare with the digit that the picture was made of: mean difference, of 255."""
    return float(np.abs(image.astype(int) - DIGIT).mean())


def test_images_of_mnist_go_through_unchanged():
    for image in load("sample").test.image[:200]:
        assert (read_image(image) == image).all()
        assert (read_image(Image.fromarray(image)) == image).all()
        assert (read_image(255 - image) == image).all()
        assert (read_image(image / 255) == image).all()
    assert (read_image(DIGIT.tolist()) == DIGIT).all()
    assert (read_image(np.stack([DIGIT] * 3, -1)) == DIGIT).all()


def uneven(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    paper = np.full(INK.shape, 190.0)
    y, x = np.mgrid[: INK.shape[0], : INK.shape[1]] / 280 - 0.5
    if kind == "gradient":
        paper += 100 * x - 20 * y
    elif kind == "shadow":
        paper -= 50 * (x + y > 0.3)
    elif kind == "vignette":
        paper -= 120 * (x**2 + y**2)
    elif kind == "noise":
        paper += rng.normal(0, 25, paper.shape)
    paper = (paper - INK * 0.45).clip(0, 255)
    if kind == "specks":
        specks = rng.random(paper.shape)
        paper[specks < 0.03], paper[specks > 0.97] = 0, 255
    return paper.astype(np.uint8)


@pytest.mark.parametrize("kind", ["gradient", "shadow", "vignette", "noise", "specks"])
def test_uneven_paper_and_noise_are_taken_off(kind):
    picture = uneven(kind)
    assert distance(read_image(picture)) < 15
    assert distance(read_image(255 - picture)) < 15


@pytest.mark.parametrize("side", [250, 1000, 3000])
@pytest.mark.parametrize("width", [1, 30])
def test_strokes_of_any_width_are_seen(side, width):
    picture = Image.new("L", (side, side), 255)
    corners = [(side * x // 10, side * y // 10) for x, y in [(3, 2), (7, 2), (4, 8)]]
    ImageDraw.Draw(picture).line(corners, 0, max(width * side // 1000, 1 + side // 2000))
    image = read_image(picture)
    rows = image.max(1) > 100
    assert rows.sum() in (20, 21)
    assert rows[rows.argmax() :][:20].all()  # without a gap


def test_the_ink_is_20_pixels_large_and_centred_by_its_mass():
    picture = np.zeros((300, 400), np.uint8)
    picture[100:200, 250:290] = 255
    picture[110:180, 260:280] = 0
    image = read_image(picture)
    rows, columns = np.flatnonzero(image.max(1) > 127), np.flatnonzero(image.max(0) > 127)
    assert 19 <= len(rows) <= 21
    assert 8 <= len(columns) <= 9
    y = (image.sum(1, dtype=int) * np.arange(28)).sum() / image.sum(dtype=int)
    x = (image.sum(0, dtype=int) * np.arange(28)).sum() / image.sum(dtype=int)
    assert y == pytest.approx(14, abs=0.05)
    assert x == pytest.approx(14, abs=0.05)
