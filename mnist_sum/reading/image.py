"""A picture of a digit in, the pixels of MNIST out."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mnist_sum.errors import BlankError
from mnist_sum.reading.ink import SIDE, draw_digit
from mnist_sum.reading.opening import Picture, make_grey, open_pages

SHORTEST, LONGEST = 200, 1000  # the longer side while the digit is looked for
DARK, LIGHT = 16, 64  # what MNIST's background is below, and its brightest pixel above


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
