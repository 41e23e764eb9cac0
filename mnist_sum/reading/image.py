"""A picture as people have it: files, arrays and PIL images in, the pixels of MNIST out.

What makes a digit of the picture is in `ink`; here it is opened and made grey.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image, ImageOps

from mnist_sum.errors import InputError, describe
from mnist_sum.reading.ink import SIDE, draw_digit

# What Pillow reads by itself: others start programs (EPS), or exist on one system only.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO")
MAX_PIXELS = 100_000_000  # a file of some kilobytes may claim more than the memory holds
MIN_SIDE = 8
MAX_RATIO = 100
SHORTEST, LONGEST = 200, 1000  # the longer side while the digit is looked for
SCALES = (1, 255, 65535)  # the whitest pixel in the usual notations
UNIFORM = 16  # grey levels that what is opaque may differ by and yet be of one colour
DARK, LIGHT = 16, 64  # what MNIST's background is below, and its brightest pixel above

Picture = str | os.PathLike[str] | Image.Image | Num[Any, "..."] | list


def read_image(image: Picture) -> UInt8[np.ndarray, "28 28"]:
    """Make of a picture of one digit the image that MNIST's makers would have made.

    It is a file, a PIL image, or an array [height, width] or [height, width, channel] of one to
    four channels, on any scale. The digit may be of any size and at any place, dark on light or
    light on dark; an image that is MNIST's already goes through as it is, light on dark.
    Raises InputError for what is no picture of one digit.
    """
    with warnings.catch_warnings(action="ignore"):  # of Pillow, on files that it reads all the same
        name, grey = _open(image)
    _check_size(name, grey)
    pixels = np.asarray(grey)
    for candidate in (pixels, 255 - pixels):
        if _is_mnist(candidate):
            return candidate.copy()
    return draw_digit(name, np.asarray(_fit(grey)))


def _open(image: Any) -> tuple[str, Image.Image]:
    """Return how errors name a picture, and its grey pixels."""
    if isinstance(image, (str, bytes, os.PathLike)):
        path = Path(os.fsdecode(image))
        name = f"{path}" if f"{path}".isprintable() else repr(f"{path}")
        return name, _read_file(name, path)
    if not isinstance(image, Image.Image):
        image = _make_picture(image)
    return "image", _decode("image", image)


def _read_file(name: str, path: Path) -> Image.Image:
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder, expected the file of an image.")
        if not path.exists():
            raise InputError(f"There is no file {name}: check its name.")
        if not path.is_file():
            raise InputError(f"{name} is no ordinary file, expected the file of an image.")
        with path.open("rb") as file:
            return _decode(name, Image.open(file, formats=FORMATS))
    except Image.UnidentifiedImageError as error:
        raise InputError(
            f"{name} is no image that can be read, expected a whole file of {_join(FORMATS)}."
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{name} is too large, expected at most {MAX_PIXELS:,} pixels: make it smaller."
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name} cannot be read ({reason}).") from error


def _join(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _decode(name: str, image: Image.Image) -> Image.Image:
    """Load a picture and make it grey, upright and of 8 bits."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} has {width:,} x {height:,} pixels, expected at most {MAX_PIXELS:,}: "
            "make it smaller."
        )
    try:
        image.draft(None, (LONGEST, LONGEST))  # a JPEG is read at half the size, or a quarter
        image.load()
        return _make_grey(ImageOps.exif_transpose(image))
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise a dozen types of them
        reason = " ".join(f"{error}".split()) or type(error).__name__
        raise InputError(f"{name} is damaged ({reason}): save it again.") from error


def _make_grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 and 32 bits, whole numbers and others
        return Image.fromarray(_scale(np.asarray(image)))
    if image.has_transparency_data:
        return _lay_on_paper(image.convert("RGBA"))
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image.convert("L")


def _lay_on_paper(image: Image.Image) -> Image.Image:
    """Fill what is transparent: paper under a drawing, more of the same around a picture."""
    grey, opacity = image.convert("L"), image.getchannel("A")
    weights = np.asarray(opacity, np.float32)
    share = float(weights.mean()) / 255
    if share == 0:
        return Image.new("L", image.size)
    tone = float((np.asarray(grey) * weights).mean() / weights.mean())
    spread = float((np.abs(np.asarray(grey) - tone) * weights).mean() / weights.mean())
    if share < 0.5 or spread < UNIFORM:
        tone = 255 if tone < 128 else 0
    return Image.composite(grey, Image.new("L", image.size, round(tone)), opacity)


def _make_picture(values: Any) -> Image.Image:
    """Make a picture of an array, of anything that numpy makes an array of."""
    try:
        array = np.asarray(values)
    except Exception as error:  # of lists of different lengths, and what other libraries raise
        raise InputError(f"image is {describe(values)} and makes no array of pixels.") from error
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or array.dtype.kind not in "biuf":
        raise InputError(
            f"image is {describe(values if array.dtype == object else array)}, expected numbers "
            "of shape [height, width] or [height, width, channel] of 1 to 4 channels, or a file or "
            "PIL image."
        )
    if array.size == 0:
        raise InputError(f"image is {describe(array)}, expected one pixel at least.")
    array = _scale(array)
    return Image.fromarray(array[..., 0] if array.ndim == 3 and channels == 1 else array)


def _scale(array: np.ndarray) -> UInt8[np.ndarray, "..."]:
    """Bring pixels to 0 .. 255: by the smallest usual scale that holds them, or by their range."""
    if array.dtype == np.uint8 and array.max() > 1:
        return array
    values = array.astype(np.float64)
    least, greatest = values.min(), values.max()
    if not np.isfinite([least, greatest]).all():
        raise InputError(
            f"image holds {least if not np.isfinite(least) else greatest}, expected finite numbers."
        )
    scales = [scale for scale in SCALES if least >= 0 and greatest <= scale]
    if array.dtype.kind in "ui" and array.dtype.itemsize > 1:
        scales = [scale for scale in scales if scale != 65535]
    if scales:
        least, greatest = 0.0, float(scales[0])
    return np.rint((values - least) / max(greatest - least, 1e-9) * 255).astype(np.uint8)


def _check_size(name: str, grey: Image.Image) -> None:
    width, height = grey.size
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{name} has {width} x {height} pixels, expected {MIN_SIDE} x {MIN_SIDE} at least."
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InputError(
            f"{name} has {width} x {height} pixels, expected at most {MAX_RATIO} times as many "
            "along one side as along the other."
        )


def _is_mnist(pixels: np.ndarray) -> bool:
    if pixels.shape != (SIDE, SIDE):
        return False
    ring = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    return bool(np.median(ring) <= DARK and pixels.max() >= LIGHT)


def _fit(grey: Image.Image) -> Image.Image:
    """Bring the longer side between SHORTEST and LONGEST, by a whole factor."""
    longer = max(grey.size)
    if longer > LONGEST:
        factor = -(-longer // LONGEST)
        grey = grey.reduce(factor)
    elif longer < SHORTEST:
        factor = -(-SHORTEST // longer)
        grey = grey.resize((grey.width * factor, grey.height * factor), Image.Resampling.BICUBIC)
    return grey
