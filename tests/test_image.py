"""Pictures as people have them, and the image of MNIST that is made of each."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_sum.check import InputError
from mnist_sum.data import load
from mnist_sum.image import FORMATS, read_image

DIGIT = np.asarray(load("sample").test.image[3])
INK = np.pad(np.asarray(Image.fromarray(DIGIT).resize((200, 200), 3)), ((30, 50), (60, 20)))
BLACK, WHITE = np.zeros_like(INK), np.full_like(INK, 255)
GREY = Image.fromarray(255 - INK)  # dark on light
RGB = GREY.convert("RGB")


def channels(*arrays: np.ndarray) -> np.ndarray:
    return np.stack(arrays, -1)


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


PICTURES = {
    "light on dark": INK,
    "dark on light": 255 - INK,
    "one channel": INK[..., None],
    "colours": channels(255 - INK, 255 - INK, WHITE),
    "yellow on white": channels(WHITE, WHITE, 255 - INK),
    "opaque": channels(INK, INK, INK, WHITE),
    "black ink on nothing": channels(BLACK, INK),
    "white ink on nothing": channels(WHITE, INK),
    "blue ink on nothing": channels(BLACK, BLACK, WHITE, INK),
    "a hole in white": channels(WHITE, 255 - INK),
    "0 .. 1": INK / 255,
    "-1 .. 1": INK / 127.5 - 1,
    "standardised": (INK / 255 - 0.1307) / 0.3081,
    "12 of 16 bits": INK.astype(np.uint16) * 16,
    "16 bits": INK.astype(np.uint16) * 257,
    "64 bits": INK.astype(np.int64),
    "a mask": INK > 127,
    "I;16": Image.fromarray(INK.astype(np.uint16) * 257),
    "I": Image.fromarray(INK.astype(np.int32) * 257),
    "F": Image.fromarray((INK / 255).astype(np.float32)),
    "1": GREY.convert("1"),
    "P": RGB.convert("P", palette=Image.Palette.ADAPTIVE),
    "LA": GREY.convert("LA"),
    "CMYK": RGB.convert("CMYK"),
    "YCbCr": RGB.convert("YCbCr"),
    "small": GREY.reduce(5),
    "faint": 200 - INK // 8,
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_all_kinds_give_the_digit(name):
    image = read_image(PICTURES[name])
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert distance(image) < 12  # another digit is about 50 away


def test_transparent_corners_are_more_of_the_same():
    opacity = WHITE.copy()
    opacity[:40, :40] = opacity[-40:, -40:] = 0
    assert distance(read_image(channels(INK, opacity))) < 12


@pytest.mark.parametrize("kind", [*FORMATS[:6], "PPM", "ICO"])
def test_files_are_told_by_their_content(kind, tmp_path):
    path = tmp_path / "digit"
    GREY.save(path, kind)
    assert distance(read_image(path)) < 12
    assert (read_image(str(path)) == read_image(path)).all()


def test_a_photograph_is_turned_upright(tmp_path):
    path = tmp_path / "digit.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # its top is on the right
    GREY.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    assert distance(read_image(path)) < 12


def test_the_first_frame_of_several_counts(tmp_path):
    path = tmp_path / "digit.gif"
    GREY.save(path, save_all=True, append_images=[Image.new("L", GREY.size)])
    assert distance(read_image(path)) < 12


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
    "narrow": (np.zeros((8, 30000)), "image has 30000 x 8 pixels, expected at most 100 times"),
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


def test_warnings_of_pillow_are_not_the_users(tmp_path):
    path = tmp_path / "digit.png"
    Image.new("1", (9500, 9500)).save(path)  # above what Pillow warns of
    with warnings.catch_warnings(action="error"), pytest.raises(InputError, match="nothing but"):
        read_image(path)


def test_what_the_user_gave_is_left_as_it_was():
    picture, array = GREY.copy(), 255 - INK
    read_image(picture)
    read_image(array)
    assert picture.tobytes() == GREY.tobytes()
    assert (array == 255 - INK).all()
    image = DIGIT.copy()
    read_image(image)[:] = 0
    assert (image == DIGIT).all()
