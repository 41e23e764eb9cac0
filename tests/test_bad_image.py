"""Pictures and files that are not of one digit: refused with one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_sum.errors import InputError
from mnist_sum.reading.image import read_image
from tests.scan import BLACK, GREY, INK, RGB, WHITE, channels

TWO = np.concatenate([INK, BLACK, INK], 1)
NOISE = np.random.default_rng(0).normal(128, 30, (300, 300)).clip(0, 255).astype(np.uint8)
LIGHT = np.mgrid[:300, :400][1] / 4 + 100
NOT_ONE = "image shows things far apart, expected one digit: cut it out."
BLANK = "image shows nothing but paper, expected a digit."
SHAPES = "expected numbers of shape [height, width] or [height, width, channel] of 1 to 4"
BAD = {
    "black": (np.zeros((28, 28), np.uint8), BLANK),
    "white": (WHITE, BLANK),
    "transparent": (channels(BLACK, BLACK), BLANK),
    "noise": (NOISE, BLANK),
    "gradient": (LIGHT.astype(np.uint8), BLANK),
    "two digits": (TWO, NOT_ONE),
    "a dot": (np.pad(WHITE[:4, :4], 200), "image shows too small a digit, expected 10 pixels at"),
    "nan": (np.full((30, 30), np.nan), "image holds nan, expected finite numbers."),
    "inf": (np.array([[1, -np.inf]] * 9), "image holds -inf, expected finite numbers."),
    "empty": (np.zeros((0, 28)), "image is float64[0, 28], expected one pixel at least."),
    "tiny": (np.zeros((5, 9)), "image has 9 x 5 pixels, expected 8 x 8 at least."),
    "narrow": (np.zeros((8, 30000)), "image has 30,000 x 8 pixels, expected at most 100 times"),
    "a batch": (np.zeros((3, 28, 28)), f"image is float64[3, 28, 28], {SHAPES}"),
    "text": (np.array("seven"), f"image is <U5[], {SHAPES}"),
    "nothing": (None, f"image is of type NoneType, {SHAPES}"),
    "complex": (np.zeros((28, 28), complex), f"image is complex128[28, 28], {SHAPES}"),
    "ragged": ([[1, 2], [3]], "image is of type list and makes no array of pixels."),
    "huge": (Image.new("1", (11000, 11000)), "image has 11,000 x 11,000 pixels, expected at most"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_of_one_digit_is_one_sentence(name):
    picture, sentence = BAD[name]
    with pytest.raises(InputError) as caught:
        read_image(picture)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_bad_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    RGB.save("whole.png")
    RGB.save("whole.jpg")
    for name in ("whole.png", "whole.jpg"):
        content = Path(name).read_bytes()
        Path(name.replace("whole", "half")).write_bytes(content[: len(content) // 2])
    Path("text.png").write_text("seven")
    Path("empty.png").touch()
    Path("folder.png").mkdir()
    Image.new("1", (20000, 20000)).save("bomb.png")
    sentences = {
        "nowhere.png": "There is no file nowhere.png: check its name.",
        "two\nlines.png": r"There is no file 'two\nlines.png': check its name.",
        "folder.png": "folder.png is a folder, expected the file of an image.",
        "/dev/null": "/dev/null is no ordinary file, expected the file of an image.",
        "text.png": "text.png is no image that can be read, expected a whole file of PNG, JPEG, ",
        "empty.png": "empty.png is no image that can be read, expected a whole file of PNG, ",
        "half.png": "half.png is damaged (",
        "half.jpg": "half.jpg is damaged (",
        "bomb.png": "bomb.png is too large, expected at most 100,000,000 pixels: make it smaller.",
    }
    for name, sentence in sentences.items():
        with pytest.raises(InputError) as caught:
            read_image(name)
        assert str(caught.value).startswith(sentence)
        assert "\n" not in str(caught.value)


def test_a_file_without_permission_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "digit.png"
    GREY.save(path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # as it would be for anybody but root
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert str(caught.value) == f"{path} cannot be read (Permission denied)."
