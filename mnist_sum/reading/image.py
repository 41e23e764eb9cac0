"""A picture of a digit in, the pixels of MNIST out."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from mnist_sum.errors import BlankError, InputError
from mnist_sum.reading import Grey
from mnist_sum.reading.ink import BOX, SIDE, draw_digit
from mnist_sum.reading.lines import rub_out_lines
from mnist_sum.reading.opening import Picture, make_grey, open_pages
from mnist_sum.reading.paper import find_ink, share_of_rim, take_off_even_paper
from mnist_sum.reading.sheet import cut_sheet

SHORTEST, LONGEST = 200, 510  # longer side for the search; a phone's 4032 pixels become 504
DARK, LIGHT = 16, 64  # what MNIST's background is below, and its brightest pixel above
TINY, SMALL = 20, 32  # pixels of the longer side: data sets of digits have pictures so small
EVEN = 3  # grey levels
PAPER = 0.25  # of the border and of the corners, on average
MARGIN = 0.25  # of the longer side
NARROW = 2  # times as long as wide: cut close around a 1
SOFT, WHITE = 0.1, 240  # of a digit's pixels, at least, are below: strokes have soft edges
OFF_CENTRE = 0.6  # pixels: its centre of mass is at pixel 14, rounded


def read_image(image: Picture) -> UInt8[np.ndarray, "28 28"]:
    """Convert a picture of one digit to the image MNIST's makers would have made.

    It is a file (its first page or frame with ink counts), a PIL image, or an array
    [height, width] or [height, width, channel] of one to four channels, on any scale. The digit may
    be of any size and at any place, dark on light or light on dark; an MNIST image passes
    unchanged, light on dark.
    Raises InputError for what is no picture of one digit.
    """
    return read_page(image)[1]


def read_page(picture: Picture) -> tuple[str, UInt8[np.ndarray, "28 28"]]:
    """Read the first page with ink; returns which it was, if there are several, and the image."""
    for name, page, opened in open_pages(picture):
        try:
            return page, make_mnist(make_grey(opened))
        except InputError as error:
            refusal = type(error)(f"{name} {error}")
            if not isinstance(error, BlankError):
                break
    raise refusal


def make_mnist(pixels: Grey) -> UInt8[np.ndarray, "28 28"]:
    """Make MNIST's image of a grey picture: find the digit, then clean it."""
    for candidate in (pixels, 255 - pixels):
        if _is_mnist(candidate):
            return candidate.copy()
    side = max(pixels.shape)
    grey = _fit(_add_margin(pixels))
    if side <= TINY:  # too small to show more than a digit
        return draw_digit(find_ink(grey, even=True))
    ink = find_ink(cut_sheet(grey))
    return draw_digit(ink if side <= SMALL else rub_out_lines(ink))


def _is_mnist(pixels: Grey) -> bool:
    """Tell MNIST's own, but 24 in black and white: 20 pixels large, with soft edges, centred."""
    if pixels.shape != (SIDE, SIDE) or pixels.max() < LIGHT:
        return False
    ink = pixels > DARK
    size = np.ptp(np.argwhere(ink), 0).max() + 1
    rows, columns = pixels.sum(1, dtype=float), pixels.sum(0, dtype=float)
    away = [mass @ np.arange(SIDE) / mass.sum() - SIDE / 2 for mass in (rows, columns)]
    soft = (pixels[ink] < WHITE).mean()
    return bool(BOX - 2 <= size <= BOX and soft >= SOFT and np.abs(away).max() < OFF_CENTRE)


def _add_margin(pixels: Grey) -> Grey:
    """Add paper around a picture that is small or cut close, if its border shows even paper."""
    low, high = int(pixels.min()), int(pixels.max())
    shares = (share_of_rim(pixels <= low + EVEN), low), (share_of_rim(pixels >= high - EVEN), high)
    (share, paper), (shorter, longer) = max(shares), sorted(pixels.shape)
    if share >= PAPER and (
        longer <= SMALL
        or (share < 1 and (longer > NARROW * shorter or take_off_even_paper(pixels) is not None))
    ):
        return np.pad(pixels, round(MARGIN * longer), constant_values=paper)
    return pixels


def _fit(pixels: Grey) -> Grey:
    """Bring the longer side between SHORTEST and LONGEST, by a whole factor."""
    grey, longer = Image.fromarray(pixels), max(pixels.shape)
    if longer > LONGEST:
        grey = grey.reduce(-(-longer // LONGEST))
    elif longer < SHORTEST:
        grey = ImageOps.scale(grey, -(-SHORTEST // longer), Image.Resampling.BICUBIC)
    return np.asarray(grey)
