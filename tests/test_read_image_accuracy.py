"""Digits enlarged, moved, inverted and made noisy are read as they are untouched."""

import io

import numpy as np
import pytest
from PIL import Image

import mnist_sum as ms
from mnist_sum.reading.image import read_image

FORMATS = ("PNG", "JPEG")


@pytest.fixture(scope="module")
def network():
    return ms.load_pretrained()


def make_picture(digit: np.ndarray, rng: np.random.Generator) -> io.BytesIO:
    """Put an enlarged digit on a larger canvas of uneven, noisy paper, and save that."""
    side = int(rng.integers(120, 401))
    resampling = Image.Resampling(int(rng.integers(len(Image.Resampling))))
    large = Image.fromarray(digit).resize((side, side), resampling)
    height, width = rng.integers(side + 20, 2 * side + 200, 2)
    canvas = np.zeros((height, width))
    top, left = rng.integers(height - side), rng.integers(width - side)
    canvas[top : top + side, left : left + side] = np.asarray(large) / 255
    y, x = np.mgrid[:height, :width] / max(height, width) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = rng.uniform(0, 60) * (np.sin(angle) * y + np.cos(angle) * x)
    contrast, paper = (
        (-rng.uniform(90, 180), 205) if rng.integers(2) else (rng.uniform(90, 180), 50)
    )
    noise = rng.normal(0, rng.uniform(0, 15), canvas.shape)
    grey = paper + light + contrast * canvas + noise
    file = io.BytesIO()
    Image.fromarray(grey.round().clip(0, 255).astype(np.uint8)).save(file, FORMATS[rng.integers(2)])
    return file


def test_pictures_are_read_as_well_as_the_images_they_were_made_of(network):
    rng = np.random.default_rng(0)
    test = ms.load("sample").test
    rows = rng.permutation(len(test.digit))[:200]
    image, digit = test.image[rows], test.digit[rows]
    made = np.stack([read_image(Image.open(make_picture(x, rng))) for x in image])
    untouched = (ms.predict(network, image, 0).digit == digit).sum()
    assert (ms.predict(network, made, 0).digit == digit).sum() >= 0.97 * untouched
