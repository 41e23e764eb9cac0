"""Take the paper off a grey picture, and measure how much ink each pixel has.

1. Take off specks: no pixel is above the third largest of its 3 x 3, or below the third smallest,
   so that a line of one pixel stays. Then take the mean of 3 x 3, rounded. Edge pixels repeat.
2. A picture in two tones, as drawings are, has even paper: less than 0.012 of it is far, by 0.3
   of what lies between them, from the mean of its side of Otsu's threshold, with pixels of one
   side only around. The paper is the tone that has more of the border and of the four corners.
3. Else the paper is uneven. A surface of second degree is fitted to cells, four times, each time
   without those that are more than 3 grey levels and twice the median error away; its error may be
   4 levels, as a shadow's edge is no such surface. Ink is the side, darker or lighter, on which the
   sum of cubes lies. Where it is narrower than 0.2 of the longer side, it is taken off as strokes
   (grey opening); what is left of it is the paper.
4. There is no ink if its greatest value is below 16 levels or 8 times the noise, the median step
   over 4 columns. Its level is the median of what is above half the greatest; ink is 0 below 0.12
   of it and 1 above 0.88, and linear between.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageFilter
from scipy import ndimage

from mnist_sum.errors import BlankError
from mnist_sum.reading.sheet import otsu, tile

FAR, MOST_FAR = 0.3, 0.012  # of the step between two tones; of the picture
AROUND = 0.1  # of the longer side
CELLS = 40  # along the longer side
MAX_ERROR = 4  # grey levels
WIDEST = 0.2  # stroke, of the longer side
MIN_CONTRAST = 16  # grey levels
MIN_NOISES, NOISE_STEP = 8, 4  # pure noise has its greatest value at about 5
LOW, HIGH = 0.12, 0.88  # of the ink's level: all paper below, all ink above

Grey = UInt8[np.ndarray, "height width"]
Plane = Float[np.ndarray, "height width"]


def find_ink(name: str, grey: Grey, even: bool = False) -> Plane:
    """Measure how much ink each pixel has, 0 to 1; on paper that may be known to be even."""
    grey = grey.clip(255 - third_largest(255 - grey), third_largest(grey))
    smooth = np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(1)))
    away = take_off_paper(smooth, even)
    steps = (x[:, NOISE_STEP:].astype(np.int16) - x[:, :-NOISE_STEP] for x in (smooth, smooth.T))
    noise = min(float(np.median(np.abs(x))) for x in steps)
    if away.max() < max(MIN_CONTRAST, MIN_NOISES * noise):
        raise BlankError(f"{name} shows nothing but paper, expected a digit.")
    level = np.median(away[away > away.max() / 2])
    return ((away / level - LOW) / (HIGH - LOW)).clip(0, 1)


def take_off_paper(grey: Grey, even: bool) -> Plane:
    """Measure how much darker than the paper, or lighter, each pixel is."""
    light = grey > otsu(grey)
    if light.all() or not light.any():
        return np.zeros(grey.shape, np.float32)
    dark_tone, light_tone = tones_of(grey, light)
    if not even and not is_in_two_tones(grey):
        return take_off_uneven_paper(grey.astype(np.float32))
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    corners = light[[0, 0, -1, -1], [0, -1, 0, -1]]
    return light_tone - grey if border.mean() + corners.mean() > 1 else grey - dark_tone


def is_in_two_tones(grey: Grey) -> bool:
    """Tell whether all but the edges of what is drawn is near one of two tones."""
    light = grey > otsu(grey)
    dark_tone, light_tone = tones_of(grey, light)
    far = FAR * (light_tone - dark_tone)
    share = ndimage.uniform_filter(light.astype(np.float32), round(AROUND * max(grey.shape)))
    edge = (share > 0.001) & (share < 0.999)
    between = (grey > dark_tone + far) & (grey < light_tone - far) & ~edge
    beyond = (grey < dark_tone - far) | (grey > light_tone + far)
    return bool((between | beyond).mean() <= MOST_FAR)


def tones_of(grey: Grey, light: Bool[np.ndarray, "height width"]) -> tuple[np.float32, np.float32]:
    """Find the tone of what is dark and of what is light."""
    return np.float32(np.median(grey[~light])), np.float32(np.median(grey[light]))


def take_off_uneven_paper(grey: Plane) -> Plane:
    """Do the same where the paper is lit unevenly."""
    rest = grey - fit_surface(grey)
    local = grey - ndimage.uniform_filter(grey, round(WIDEST * max(grey.shape)))
    if (local * local * local).sum() < 0:  # a power is far slower
        rest = -rest
    halves = tile(rest, 2).max((1, 3))  # which is faster, and precise enough
    window = round(WIDEST * max(halves.shape))
    padded = np.pad(halves, window // 2, mode="edge")
    strokes = ndimage.grey_opening(padded, window)[window // 2 :, window // 2 :]
    away = rest - strokes.repeat(2, 0).repeat(2, 1)[: grey.shape[0], : grey.shape[1]]
    return away - np.median(away)


def fit_surface(grey: Plane) -> Plane:
    """Fit a surface of second degree to the paper; a level one if that does not fit."""
    cell = -(-max(grey.shape) // CELLS)
    cells = tile(grey, cell).mean((1, 3))
    basis = powers(*cells.shape)
    fits = np.ones(cells.shape, bool)
    for _ in range(4):
        weights = np.linalg.lstsq(basis[fits], cells[fits].astype(np.float64))[0]
        error = np.abs(cells - basis @ weights)
        fits = error <= 3 + 2 * np.median(error)
    if np.median(error) > MAX_ERROR:
        return np.full(grey.shape, np.median(grey))
    surface = powers(cells.shape[0] * cell, cells.shape[1] * cell) @ weights
    return surface[: grey.shape[0], : grey.shape[1]].astype(np.float32)


def powers(height: int, width: int) -> Float[np.ndarray, "height width 6"]:
    """Take 1, y, x, yy, yx and xx of each pixel, in parts of the picture."""
    y, x = np.mgrid[:height, :width] + 0.5
    y, x = y / height, x / width
    return np.stack([np.ones_like(x), y, x, y * y, y * x, x * x], -1)


def third_largest(grey: Grey) -> Grey:
    """Find the third largest of each pixel and its eight neighbours."""
    height, width = grey.shape
    padded = np.pad(grey, 1, mode="edge")
    first = second = third = np.zeros_like(grey)
    for row, column in np.ndindex(3, 3):
        value = padded[row : row + height, column : column + width]
        third = np.maximum(third, np.minimum(second, value))
        second = np.maximum(second, np.minimum(first, value))
        first = np.maximum(first, value)
    return third
