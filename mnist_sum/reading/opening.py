"""Pictures as people have them, files, arrays and PIL images: opened, upright, and made grey."""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Num, UInt8
from PIL import ExifTags, Image, ImageFile, ImageOps, ImageStat

from mnist_sum.errors import InputError, describe

# What Pillow reads by itself: others start programs (EPS), or exist on one system only.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO")
MAX_PIXELS = 100_000_000  # a file of some kilobytes may claim more than the memory holds
MIN_SIDE = 8
MAX_RATIO = 100
ENOUGH = 1000  # pixels of the longer side: what has twice as many or more is reduced
SCALES = (1, 16, 255, 1023, 4095, 16383, 65535)  # the whitest pixel in the usual notations
OVERSHOOT = 1.05  # of a scale, which interpolation may leave
TELLING = 4  # times as much contrast in one channel as in grey: two colours that are equally grey
UNIFORM = 16  # grey levels that what is opaque may differ by and yet be of one colour
UNREAD = 128  # marks pixels without data; libjpeg gives the same to them
MISSING = 0.05  # of a picture's rows, at most

Picture = str | os.PathLike[str] | Image.Image | Num[Any, "..."] | list


def open_pages(picture: Any) -> Iterator[tuple[str, str, Image.Image]]:
    """Open a picture page by page, or frame by frame; raises InputError for what is none.

    Yields what errors call it, such as "a.tif (page 2 of 3)", which page it is, empty if there is
    only one, and the page: upright, in mode L, RGB or RGBA.
    """
    if not isinstance(picture, (str, bytes, os.PathLike)):
        image = picture if isinstance(picture, Image.Image) else _make_picture(picture)
        yield "image", "", _simplify("image", image)
        return
    path = Path(os.fsdecode(picture))
    name = f"{path}" if f"{path}".isprintable() else repr(f"{path}")
    if not path.exists():
        raise InputError(f"There is no file {name}: check its name.")
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise InputError(f"{name} is {kind}, expected an image file.")
    with _naming(name), path.open("rb") as file:
        pages = _load(name, file)
        # The other pictures in a phone's JPEG, which is an MPO then, are for its own use.
        count = 1 if pages.format == "MPO" else getattr(pages, "n_frames", 1)
        kind = "page" if pages.format == "TIFF" else "frame"
        for index in range(count):
            page = f"{kind} {index + 1} of {count}" if count > 1 else ""
            title = f"{name} ({page})" if page else name
            with _naming(title):
                pages.seek(index)
            yield title, page, _simplify(title, pages)


def make_grey(image: Image.Image) -> UInt8[np.ndarray, "height width"]:
    """Make a page grey; what is transparent becomes paper, or more of the ground of a picture."""
    grey = image.convert("L")
    colours = ImageStat.Stat(image).stddev[:3]
    if max(colours) > TELLING * ImageStat.Stat(grey).stddev[0]:  # such as red on green
        grey = image.getchannel(colours.index(max(colours)))
    pixels = np.asarray(grey)
    if image.mode != "RGBA":
        return pixels
    weights = np.asarray(image.getchannel("A"), np.float32)
    if not weights.any():
        return np.zeros_like(pixels)
    tone = np.average(pixels, weights=weights)
    spread = np.average(np.abs(pixels - tone), weights=weights)
    if weights.mean() < 255 / 2 or spread < UNIFORM:
        tone = 255 if tone < 128 else 0
    ground = Image.new("L", grey.size, round(tone))
    return np.asarray(Image.composite(grey, ground, image.getchannel("A")))


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn what goes wrong with a file into a sentence about it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise a dozen types of them
        if isinstance(error, Image.UnidentifiedImageError):
            formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
            what = f"is not a readable image, expected a complete {formats} file"
        elif isinstance(error, Image.DecompressionBombError):
            what = f"is too large, expected at most {MAX_PIXELS:,} pixels: make it smaller"
        elif reason := getattr(error, "strerror", None):
            what = f"cannot be read ({reason})"
        else:
            reason = " ".join(f"{error}".split()) or type(error).__name__
            what = f"is damaged ({reason}): save it again"
        raise InputError(f"{name} {what}.") from error


def _check_size(name: str, image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        expected = f"at most {MAX_PIXELS:,}: make it smaller"
    elif min(width, height) < MIN_SIDE:
        expected = f"at least {MIN_SIDE} x {MIN_SIDE}"
    elif max(width, height) > MAX_RATIO * min(width, height):
        expected = f"at most {MAX_RATIO} times as many along one side as along the other"
    else:
        return
    raise InputError(f"{name} has {width:,} x {height:,} pixels, expected {expected}.")


def _load(name: str, file: BinaryIO) -> ImageFile.ImageFile:
    """Decode a file's first page; if that fails, what is there of it."""
    try:
        image = _start(name, file)
        image.load()
        return image
    except (OSError, ValueError) as error:
        file.seek(0)
        mended = _mend(file.read())
        if not mended or isinstance(error, InputError):
            raise
    image = _start(name, io.BytesIO(mended))
    blank = Image.new(image.mode, image.size, (UNREAD,) * len(image.getbands()))
    image.im = blank.copy().im
    with suppress(OSError):
        image.load()
    image.tile = []  # nothing more is to be decoded
    unread = (np.asarray(image) == np.asarray(blank)).reshape(image.height, -1).all(1)
    if unread.mean() > MISSING:
        raise ValueError("its end is missing")
    return image


def _start(name: str, file: BinaryIO) -> ImageFile.ImageFile:
    image = Image.open(file, formats=FORMATS)
    _check_size(name, image)
    longer = max(image.size)  # a JPEG is decoded at a half of its size, a quarter or an eighth
    image.draft(None, (image.width * ENOUGH // longer, image.height * ENOUGH // longer))
    return image


def _mend(content: bytes) -> bytes:
    """Take the texts out of a PNG, which Pillow refuses if they are long; add a JPEG's end."""
    if content.startswith(b"\xff\xd8"):
        return content + b"\xff\xd9"
    if not content.startswith(b"\x89PNG"):
        return b""
    start, kept = 8, bytearray(content[:8])
    while start < len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4])
        if content[start + 4 : start + 8] not in (b"tEXt", b"zTXt", b"iTXt"):
            kept += content[start:end]
        start = end
    return bytes(kept)


def _simplify(name: str, image: Image.Image) -> Image.Image:
    """Decode a picture, in mode L, RGB or RGBA, upright and not much larger than is needed."""
    _check_size(name, image)
    with _naming(name):
        image.load()
    orientation = None
    with suppress(SyntaxError, struct.error):  # where EXIF is damaged
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    if image.mode[0] in "IF" or (image.mode == "L" and not any(image.histogram()[SCALES[1] + 1 :])):
        mode = "F"  # whose scale is not known
    elif image.has_transparency_data:
        mode = "RGBA"
    else:
        mode = "L" if image.mode in ("1", "L") else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    image = image.reduce(max(1, max(image.size) // ENOUGH))
    if mode == "F":
        image = Image.fromarray(_scale(name, np.asarray(image)))
    image.info = {}  # transposing writes all tags of EXIF anew, and fails where one is odd
    image.getexif()[ExifTags.Base.Orientation] = orientation
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _make_picture(values: Any) -> Image.Image:
    try:
        array = np.asarray(values)
    except Exception as error:  # of lists of different lengths, and what other libraries raise
        raise InputError(f"image is {describe(values)} and makes no array of pixels.") from error
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 2, 3, 4))
    if not shaped or array.size == 0 or array.dtype.kind not in "biuf":
        raise InputError(
            f"image is {describe(values if array.dtype == object else array)}, expected numbers "
            "of shape [height, width] or [height, width, channel] of 1 to 4 channels, or a file or "
            "PIL image."
        )
    return Image.fromarray(_scale("image", array[..., 0] if array.shape[2:] == (1,) else array))


def _scale(name: str, array: Num[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Bring pixels to 0 .. 255: by the smallest usual scale that holds them, or by their range."""
    if array.dtype == np.uint8 and array.max() > SCALES[1]:
        return array
    least, greatest = float(array.min()), float(array.max())
    if not np.isfinite([least, greatest]).all():
        raise InputError(f"{name} holds {least} .. {greatest}, expected finite numbers.")
    if least >= 0 and greatest <= OVERSHOOT * SCALES[-1]:
        least, greatest = 0.0, next(x for x in SCALES if greatest <= OVERSHOOT * x)
    values = (array.astype(np.float64) - least) / max(greatest - least, 1e-9) * 255
    return np.rint(values).clip(0, 255).astype(np.uint8)
