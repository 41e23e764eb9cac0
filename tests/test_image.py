"""Pictures as people have them, and the image of MNIST that is made of each."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_sum.data import load
from mnist_sum.reading.image import read_image
from tests.scan import DIGIT, INK, distance

RNG = np.random.default_rng(0)
Y, X = np.mgrid[: INK.shape[0], : INK.shape[1]] / 280 - 0.5
UNEVEN = {
    "gradient": 100 * X - 20 * Y,
    "shadow": -50 * (X + Y > 0.3),
    "vignette": -120 * (X**2 + Y**2),
    "noise": RNG.normal(0, 25, INK.shape),
    "specks": RNG.choice([-255, 0, 255], INK.shape, p=[0.03, 0.94, 0.03]),
}


def test_images_of_mnist_go_through_unchanged():
    for image in load("sample").test.image[:200]:
        for picture in (image, Image.fromarray(image), 255 - image, image / 255):
            assert (read_image(picture) == image).all()
    assert (read_image(DIGIT.tolist()) == DIGIT).all()
    assert (read_image(np.stack([DIGIT] * 3, -1)) == DIGIT).all()


@pytest.mark.parametrize("kind", UNEVEN)
def test_uneven_paper_and_noise_are_taken_off(kind):
    picture = (190 - INK * 0.45 + UNEVEN[kind]).clip(0, 255).astype(np.uint8)
    assert distance(picture) < 15
    assert distance(255 - picture) < 15


@pytest.mark.parametrize("side", [250, 1000, 3000])
@pytest.mark.parametrize("width", [1, 30])
def test_strokes_of_any_width_are_seen(side, width):
    picture = Image.new("L", (side, side), 255)
    corners = [(side * x // 10, side * y // 10) for x, y in [(3, 2), (7, 2), (4, 8)]]
    ImageDraw.Draw(picture).line(corners, 0, max(width * side // 1000, 1 + side // 2000))
    rows = read_image(picture).max(1) > 100
    assert rows.sum() in (20, 21)
    assert rows[rows.argmax() :][:20].all()  # without a gap


def test_the_ink_is_20_pixels_large_and_centred_by_its_mass():
    picture = np.zeros((300, 400), np.uint8)
    picture[100:200, 250:290] = 255
    picture[110:180, 260:280] = 0
    image = read_image(picture)
    assert 19 <= (image.max(1) > 127).sum() <= 21
    assert 8 <= (image.max(0) > 127).sum() <= 9
    centre = [np.average(np.arange(28), weights=image.sum(axis)) for axis in (0, 1)]
    assert centre == pytest.approx([14, 14], abs=0.05)


@pytest.mark.parametrize(("drawn", "read"), [(0, 0), (23, 23), (40, 15), (-60, -15)])
def test_a_digit_that_leans_farther_than_people_write_is_turned_back(drawn, read):
    picture = Image.new("L", (300, 300), 255)
    across, up = 100 * np.sin(np.radians(drawn)), 100 * np.cos(np.radians(drawn))
    stroke = [(150 - across, 150 + up), (150 + across, 150 - up)]
    ImageDraw.Draw(picture).line(stroke, 0, 15)
    rows, columns = np.nonzero(read_image(picture) > 100)
    (height, slope), _ = np.cov(rows, columns)
    assert np.degrees(np.arctan2(-slope, height)) == pytest.approx(read, abs=2)
