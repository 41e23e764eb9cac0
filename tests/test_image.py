"""Pictures as people have them, and the image of MNIST that is made of each."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_sum.data import load
from mnist_sum.reading.image import read_image
from mnist_sum.reading.opening import FORMATS
from tests.scan import BLACK, DIGIT, GREY, INK, RGB, WHITE, channels


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


def test_what_the_user_gave_is_left_as_it_was():
    picture, array = GREY.copy(), 255 - INK
    read_image(picture)
    read_image(array)
    assert picture.tobytes() == GREY.tobytes()
    assert (array == 255 - INK).all()
    image = DIGIT.copy()
    read_image(image)[:] = 0
    assert (image == DIGIT).all()
