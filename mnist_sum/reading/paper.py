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
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageFilter
from scipy import ndimage

from mnist_sum.reading import Grey, Mask, Plane
from mnist_sum.reading.sheet import otsu, tile

FAR, MOST_FAR = 0.3, 0.012  # of the step between two tones; of the picture
AROUND = 0.1  # of the longer side
CELLS = 40  # along the longer side
MAX_ERROR = 4  # grey levels
WIDEST = 0.2  # stroke, of the longer side
MIN_CONTRAST = 16  # grey levels
MIN_NOISES, NOISE_STEP = 8, 4  # pure noise has its greatest value at about 5
LOW, HIGH = 0.12, 0.88  # of the ink's level: all paper below, all ink above


def find_ink(grey: Grey, even: bool = False) -> Plane:
    """Measure how much ink each pixel has, 0 to 1; on paper that may be known to be even."""
    grey = grey.clip(255 - third_largest(255 - grey), third_largest(grey))
    smooth = np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(1)))
    away = take_off_even_paper(smooth, even)
    if away is None:
        away = take_off_uneven_paper(smooth.astype(np.float32))
    steps = (x[:, NOISE_STEP:].astype(np.int16) - x[:, :-NOISE_STEP] for x in (smooth, smooth.T))
    noise = min(float(np.median(np.abs(x))) for x in steps)
    if away.max() < max(MIN_CONTRAST, MIN_NOISES * noise):
        return np.zeros_like(away)
    level = np.median(away[away > away.max() / 2])
    return ((away / level - LOW) / (HIGH - LOW)).clip(0, 1)


def take_off_even_paper(grey: Grey, even: bool = False) -> Plane | None:
    """Measure how far each pixel is from the paper's tone; None if that is not known to be even."""
    if grey.min() == grey.max():
        return np.zeros(grey.shape, np.float32)
    light = grey > otsu(grey)
    dark_tone, light_tone = (np.float32(np.median(grey[side])) for side in (~light, light))
    away = np.abs(grey - (dark_tone + light_tone) / 2) / (light_tone - dark_tone)  # from the middle
    share = ndimage.uniform_filter(light.astype(np.float32), round(AROUND * max(grey.shape)))
    between = (away < 0.5 - FAR) & (np.abs(share - 0.5) > 0.499)
    if not even and (between | (away > 0.5 + FAR)).mean() > MOST_FAR:
        return None
    return light_tone - grey if share_of_rim(light) > 0.5 else grey - dark_tone


def share_of_rim(mask: Mask) -> float:
    """Tell how much of the border and of the four corners is in a mask, on average."""
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(border.mean() + mask[[0, 0, -1, -1], [0, -1, 0, -1]].mean()) / 2


def take_off_uneven_paper(grey: Plane) -> Plane:
    """Measure how much darker than the paper around it, or lighter, each pixel is."""
    rest = grey - fit_surface(grey)
    local = grey - ndimage.uniform_filter(grey, round(WIDEST * max(grey.shape)))
    if (local * local * local).sum() < 0:  # a power is far slower
        rest = -rest
    halves = tile(rest, 2).max(1).max(2)  # which is faster, and precise enough
    window = round(WIDEST * max(halves.shape))
    padded = np.pad(halves, window // 2, mode="edge")
    strokes = ndimage.grey_opening(padded, window)[window // 2 :, window // 2 :]
    away = rest - strokes.repeat(2, 0).repeat(2, 1)[: grey.shape[0], : grey.shape[1]]
    return away - np.median(away)


def fit_surface(grey: Plane) -> Plane:
    """Fit a surface of second degree to the paper; a level one if that does not fit."""
    cell = -(-max(grey.shape) // CELLS)
    cells = tile(grey, cell).mean(1).mean(2)
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
    """Find the third largest of each pixel and its eight neighbours; a rank filter is slower."""
    neighbours = sliding_window_view(np.pad(grey, 1, mode="edge"), grey.shape)
    largest = [np.zeros_like(grey)] * 3
    for value in neighbours.reshape(9, *grey.shape):
        for rank, other in enumerate(largest):
            largest[rank], value = np.maximum(other, value), np.minimum(other, value)
    return largest[2]
