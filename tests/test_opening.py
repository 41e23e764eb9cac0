"""Pictures of all kinds are opened; what is none, or not of one digit, is refused in a sentence."""

import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mnist_sum.errors import InputError
from mnist_sum.reading.image import read_image, read_page
from mnist_sum.reading.opening import FORMATS, make_grey, open_pages
from tests.scan import BLACK, DIGIT, GREY, INK, RGB, WHITE, channels, distance

RED, GREEN = np.array([[255, 0, 0], [0, 134, 0]], np.uint8)  # 76 and 79 of grey
EXIF = (  # an orientation, and a unit of length that is a double
    b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0%c\0\0\0"
    b"\x28\x01\x0c\0\x01\0\0\0\x26\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\x40"
)
PICTURES = {
    "light on dark": INK,
    "one channel": INK[..., None],
    "colours": channels(255 - INK, 255 - INK, WHITE),
    "yellow on white": channels(WHITE, WHITE, 255 - INK),
    "red on green": np.where(INK[..., None] > 127, RED, GREEN),
    "green on red, opaque": np.dstack([np.where(INK[..., None] > 127, GREEN, RED), WHITE]),
    "black ink on nothing": channels(BLACK, INK),
    "white ink on nothing": channels(WHITE, INK),
    "blue ink on nothing": channels(BLACK, BLACK, WHITE, INK),
    "a hole in white": channels(WHITE, 255 - INK),
    "transparent corners": channels(INK, np.pad(WHITE[40:-40, 40:-40], 40)),
    "-1 .. 1": INK / 127.5 - 1,
    "standardised": (INK / 255 - 0.1307) / 0.3081,
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
    "large": GREY.resize((4200, 4200)),
    "faint": 200 - INK // 8,
}


def grey_of(picture):
    """Open a picture of one page."""
    [(_, _, image)] = open_pages(picture)
    return make_grey(image).astype(int)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_all_kinds_give_the_digit(name):
    assert distance(PICTURES[name]) < 12
    assert max(grey_of(PICTURES[name]).shape) <= 1050  # reduced at once, if it was larger


@pytest.mark.parametrize("white", [1, 16, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("whitest", [1.0, 1.04])  # interpolation goes beyond
@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_the_scale_is_told_by_the_values(white, whitest, dtype):
    values = np.minimum(INK / 255 * white * whitest, np.iinfo(np.uint16).max).astype(dtype)
    error = 255 * (whitest - 1) + (255 / white if dtype == "uint16" else 0) + 1
    for picture in (values, Image.fromarray(values)):
        assert np.abs(grey_of(picture) - INK).max() <= error
    if white <= 16:
        assert np.abs(grey_of(Image.fromarray(values.astype(np.uint8))) - INK).max() < 300 / white


@pytest.mark.parametrize("kind", [*FORMATS[:6], "PPM", "ICO"])
def test_files_are_told_by_their_content(kind, tmp_path):
    path = tmp_path / "digit"
    GREY.save(path, kind)
    assert distance(path) < 12
    assert (read_image(str(path)) == read_image(path)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_put_upright_whatever_else_their_exif_holds(orientation, tmp_path):
    as_scanned = {  # numpy's way to what each orientation means
        1: INK, 2: INK[:, ::-1], 3: INK[::-1, ::-1], 4: INK[::-1], 5: INK.T,
        6: np.rot90(INK), 7: INK[::-1, ::-1].T, 8: np.rot90(INK, 3),
    }[orientation]  # fmt: skip
    for name, exif, array in (
        ("digit.png", EXIF % orientation, as_scanned),
        ("digit.webp", EXIF % orientation, as_scanned),
        ("odd.png", b"Exif\0\0II", INK),
    ):
        Image.fromarray(array).save(tmp_path / name, exif=exif, lossless=True)
        assert (grey_of(tmp_path / name) == INK).all(), name


@pytest.mark.parametrize(
    ("kind", "size", "packed"),
    [("text", 68_000_000, False), ("text", 68_000_000, True), ("itxt", 2_000_000, True)],
)
def test_long_texts_of_a_png_are_left_out(kind, size, packed, tmp_path):
    info = PngInfo()
    getattr(info, f"add_{kind}")("XML:com.adobe.xmp", "x" * size, zip=packed)
    GREY.save(tmp_path / "digit.png", pnginfo=info)
    assert (grey_of(tmp_path / "digit.png") == 255 - INK).all()


@pytest.mark.parametrize(
    ("name", "settings", "too_little"),  # of a progressive JPEG the first pixels are of the whole
    [("x.jpg", {}, 0.5), ("x.png", {}, 0.5), ("x.jpg", {"progressive": True}, 0.2)],
)
def test_a_file_that_was_cut_short_is_read_if_nearly_all_is_there(
    name, settings, too_little, tmp_path
):
    path = tmp_path / name
    RGB.save(path, **settings)
    content = path.read_bytes()
    for lost in (2, 20):
        path.write_bytes(content[:-lost])
        assert distance(path) < 12
    path.write_bytes(content[: int(too_little * len(content))])
    with pytest.raises(InputError, match=r"is damaged \(its end is missing\): save it again\."):
        read_image(path)


@pytest.mark.parametrize(("name", "kind"), [("x.tif", "page"), ("x.gif", "frame")])
def test_of_several_pages_the_first_with_ink_is_read(name, kind, tmp_path):
    path = tmp_path / name
    blank, black, two = map(Image.fromarray, (WHITE, BLACK, TWO))
    blank.save(path, save_all=True, append_images=[GREY.copy(), black])
    assert read_page(path)[0] == f"{kind} 2 of 3"
    assert distance(path) < 12
    others = [two.resize(GREY.size), GREY.copy(), black]
    blank.save(path, save_all=True, append_images=others)
    with pytest.raises(InputError, match=rf"{name} \({kind} 2 of 4\) shows things far apart"):
        read_image(path)


def test_what_the_user_gave_is_left_as_it_was(tmp_path):
    GREY.resize((3000, 3000)).save(tmp_path / "large.jpg")
    array, filters = 255 - INK, list(warnings.filters)
    with Image.open(tmp_path / "large.jpg") as image:
        image.getexif()[0x0112] = 6
        read_image(image)
        assert (image.size, image.getexif()[0x0112]) == ((3000, 3000), 6)
    read_image(array)
    assert (array == 255 - INK).all()
    image = DIGIT.copy()
    read_image(image)[:] = 0
    assert (image == DIGIT).all()
    assert warnings.filters == filters


TWO = np.concatenate([INK, BLACK, INK], 1)
NOISE = np.random.default_rng(0).normal(128, 30, (300, 300)).clip(0, 255).astype(np.uint8)
LIGHT = np.mgrid[:300, :400][1] / 4 + 100
NOT_ONE = "image shows things far apart, expected one digit: crop to it."
BLANK = "image shows nothing but paper, expected a digit."
SHAPES = "expected numbers of shape [height, width] or [height, width, channel] of 1 to 4"
BAD = {
    "black": (np.zeros((28, 28), np.uint8), BLANK),
    "nearly black": (NOISE // 20, BLANK),
    "white": (WHITE, BLANK),
    "transparent": (channels(BLACK, BLACK), BLANK),
    "noise": (NOISE, BLANK),
    "gradient": (LIGHT.astype(np.uint8), BLANK),
    "two digits": (TWO, NOT_ONE),
    "a dot": (np.pad(WHITE[:4, :4], 200), "image shows too small a digit, expected at least 10 "),
    "inf": (np.array([[1, -np.inf]] * 9), "image holds -inf .. 1.0, expected finite numbers."),
    "empty": (np.zeros((0, 28)), f"image is float64[0, 28], {SHAPES}"),
    "tiny": (np.zeros((5, 9)), "image has 9 x 5 pixels, expected at least 8 x 8."),
    "narrow": (np.zeros((8, 30000)), "image has 30,000 x 8 pixels, expected at most 100 times"),
    "a batch": (np.zeros((3, 28, 28)), f"image is float64[3, 28, 28], {SHAPES}"),
    "nothing": (None, f"image is of type NoneType, {SHAPES}"),
    "complex": (np.zeros((28, 28), complex), f"image is complex128[28, 28], {SHAPES}"),
    "ragged": ([[1, 2], [3]], "image is of type list and makes no array of pixels."),
    "huge": (Image.new("1", (11000, 11000)), "image has 11,000 x 11,000 pixels, expected at most"),
    "nowhere.png": ("nowhere.png", "There is no file nowhere.png: check its name."),
    "lines": ("two\nlines.png", r"There is no file 'two\nlines.png': check its name."),
    "folder": ("/", "/ is a folder, expected an image file."),
    "device": ("/dev/null", "/dev/null is no ordinary file, expected an image file."),
    "locked": ("half.bmp", "half.bmp cannot be read (Not for you)."),
    "text.png": ("text.png", "text.png is not a readable image, expected a complete PNG"),
    "empty.png": ("empty.png", "empty.png is not a readable image, expected a complete PNG"),
    "half.bmp": ("half.bmp", "half.bmp is damaged ("),
    "bomb.png": ("bomb.png", "bomb.png is too large, expected at most 100,000,000 pixels: make"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_of_one_digit_is_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    RGB.save("half.bmp")
    Path("half.bmp").write_bytes(Path("half.bmp").read_bytes()[:-100_000])
    Path("text.png").write_text("seven")
    Path("empty.png").touch()
    if name == "bomb.png":
        Image.new("1", (20000, 20000)).save(name)
    picture, sentence = BAD[name]
    if name == "locked":  # for anybody but root
        refuse = mock.Mock(side_effect=PermissionError(13, "Not for you"))
        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError) as caught:
        read_image(picture)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
