"""A picture of a digit in, the pixels of MNIST out."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mnist_sum.errors import BlankError
from mnist_sum.reading.ink import BOX, SIDE, draw_digit
from mnist_sum.reading.opening import Picture, make_grey, open_pages

SHORTEST, LONGEST = 200, 500  # the longer side while the digit is looked for
DARK, LIGHT = 16, 64  # what MNIST's background is below, and its brightest pixel above
OFF_CENTRE = 0.6  # pixels: its centre of mass is at pixel 14, rounded


def read_image(image: Picture) -> UInt8[np.ndarray, "28 28"]:
    """Make of a picture of one digit the image that MNIST's makers would have made.

    It is a file, of whose pages or frames the first with ink counts, a PIL image, or an array
    [height, width] or [height, width, channel] of one to four channels, on any scale. The digit may
    be of any size and at any place, dark on light or light on dark; an image that is MNIST's
    already goes through as it is, light on dark.
    Raises InputError for what is no picture of one digit.
    """
    return read_page(image)[1]


def read_page(picture: Picture) -> tuple[str, UInt8[np.ndarray, "28 28"]]:
    """Read the first page with ink; returns which it was, if there are several, and the image."""
    for name, page, opened in open_pages(picture):
        try:
            return page, make_mnist(name, make_grey(opened))
        except BlankError as error:
            blank = error
    raise blank


def make_mnist(name: str, pixels: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "28 28"]:
    """Make MNIST's image of a grey picture."""
    for candidate in (pixels, 255 - pixels):
        if _is_mnist(candidate):
            return candidate.copy()
    return draw_digit(name, np.asarray(_fit(Image.fromarray(pixels))))


def _is_mnist(pixels: UInt8[np.ndarray, "height width"]) -> bool:
    """Tell MNIST's own: 20 pixels large, with the centre of mass at the centre."""
    if pixels.shape != (SIDE, SIDE) or pixels.max() < LIGHT:
        return False
    size = np.ptp(np.argwhere(pixels > DARK), 0).max() + 1
    rows, columns = pixels.sum(1, dtype=float), pixels.sum(0, dtype=float)
    away = [mass @ np.arange(SIDE) / mass.sum() - SIDE / 2 for mass in (rows, columns)]
    return bool(BOX - 2 <= size <= BOX and np.abs(away).max() < OFF_CENTRE)


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
