"""Find what the digit is written on, and cut it out straight: a sheet, a note, a panel, a frame.

1. Otsu's threshold parts light from dark. Of both, find the connected parts: first of cells that
   hold any of it, 100 along the longer side, so that thin lines do not part a sheet; then, in what
   was cut out, of single pixels, for the inside of a frame.
2. A sheet, with its holes filled, covers 0.93 of the smallest rectangle around it, which may lie
   askew; people's digits cover 0.90 at most. It has something in its holes, which is less than half
   of it, and seldom at its rim. Around it lies mostly the other tone; a frame's inside does not
   touch the border.
3. Cut out the smallest of these, turned upright and without its edge.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex
from PIL import Image
from scipy import ndimage

from mnist_sum.reading import Grey, Mask, Plane

CELLS = 100  # along the longer side
COVER = 0.93  # of the smallest rectangle around it
LEAST_SHEET, LEAST_FRAME, MOST = 0.04, 0.1, 0.98  # of the picture
LEAST_HELD, MOST_HELD = 0.002, 0.45  # of the sheet
RIM, CLEAN = 3, 0.8  # pixels; of these
EDGE = 0.02  # of the sheet's shorter side

Corners = Complex[np.ndarray, "4"]  # x + iy: upper left, lower left, lower right, upper right


def cut_sheet(grey: Grey) -> Grey:
    """Cut out the innermost thing that the digit is written on; all of it if there is none."""
    for cell in (-(-max(grey.shape) // CELLS), 1):
        if sheets := list(find_sheets(grey, cell)):
            corners = min(sheets, key=lambda sheet: np.prod(np.abs(sheet[[1, 3]] - sheet[0])))
            width, height = np.abs(corners[[3, 1]] - corners[0]).round().astype(int).tolist()
            quad = corners.view(float).tolist()
            cut = Image.fromarray(grey).transform(
                (width, height), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC
            )
            grey = np.asarray(cut)
    return grey


def otsu(grey: Grey) -> int:
    """Find the level that leaves the least variance on both of its sides."""
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    weight, mean = share.cumsum(), (share * np.arange(256)).cumsum()
    between = (mean[-1] * weight - mean) ** 2 / np.maximum(weight * (1 - weight), 1e-9)
    return int(between.argmax())


def find_sheets(grey: Grey, cell: int) -> Iterator[Corners]:
    """Find what may be a sheet, among the parts of cells that hold light or dark."""
    light = grey > otsu(grey)
    for tone in (light, ~light):
        grid = tile(tone, cell).max(1).max(2)
        parts = ndimage.label(grid)[0]
        for number, where in enumerate(ndimage.find_objects(parts), 1):
            part = parts[where] == number
            if part.size < (LEAST_SHEET if cell > 1 else LEAST_FRAME) * grid.size:
                continue
            (top, left), last = ([x.start for x in where], [x.stop for x in where])
            if cell == 1 and (min(top, left) == 0 or np.equal(last, grid.shape).any()):
                continue
            filled = ndimage.label(np.pad(~part, 1, constant_values=True))[0][1:-1, 1:-1] != 1
            corners, area = smallest_rectangle(filled)
            if COVER * area <= filled.sum() <= MOST * grid.size and (
                holds_something(tile(tone, cell).mean((1, 3)), where, filled, cell)
            ):
                yield (corners + left + 1j * top) * cell


def holds_something(share: Plane, where: tuple[slice, slice], filled: Mask, cell: int) -> bool:
    """Tell whether a sheet in this place has some of the other tone on it."""
    if cell > 1:  # cells along the edge hold both
        filled = ndimage.binary_erosion(filled, iterations=2)
    rim = filled & ~ndimage.binary_erosion(filled, iterations=-(-RIM // cell))
    area, same = filled.sum(), share[where][filled].sum()
    around = (share.sum() - same) / (share.size - area)
    return bool(
        LEAST_HELD * area < area - same < MOST_HELD * area
        and share[where][rim].sum() >= CLEAN * rim.sum()
        and (cell == 1 or around < 0.5)
    )


def smallest_rectangle(mask: Mask) -> tuple[Corners, float]:
    """Find the smallest rectangle around what is filled, of those turned by whole degrees.

    Returns its corners, moved a little inside, and its area.
    """
    first, last = mask.argmax(1), mask.shape[1] - mask[:, ::-1].argmax(1)
    rows = 1j * np.arange(len(mask))
    points = np.concatenate([x + y for x in (first, last) for y in (rows, rows + 1j)])
    angles = np.radians(np.arange(-45, 46))
    turned = np.exp(-1j * angles)[:, None] * points
    areas = np.ptp(turned.real, 1) * np.ptp(turned.imag, 1)
    best = (areas * (1 + 0.01 * np.abs(angles))).argmin()  # in doubt one that is straight
    x, y = turned[best].real, turned[best].imag
    edge = 1 + EDGE * min(np.ptp(x), np.ptp(y))
    left, right, top, bottom = x.min() + edge, x.max() - edge, y.min() + edge, y.max() - edge
    corners = np.array([left + 1j * top, left + 1j * bottom, right + 1j * bottom, right + 1j * top])
    return corners * np.exp(1j * angles[best]), areas[best]


def tile(x: np.ndarray, cell: int) -> np.ndarray:
    """Cut it into cells, [row, height, column, width]; the last ones repeat the edge."""
    height, width = x.shape
    padded = np.pad(x, ((0, -height % cell), (0, -width % cell)), mode="edge")
    return padded.reshape(-(-height // cell), cell, -(-width // cell), cell)
