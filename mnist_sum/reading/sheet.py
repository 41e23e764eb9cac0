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
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

CELLS = 100  # along the longer side
COVER = 0.93  # of the smallest rectangle around it
LEAST_SHEET, LEAST_FRAME, MOST = 0.04, 0.1, 0.98  # of the picture
LEAST_HELD, MOST_HELD = 0.002, 0.45  # of the sheet
CLEAN = 0.8  # of a sheet's rim
EDGE = 0.02  # of the sheet's shorter side

Grey = UInt8[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]
Corners = Float[np.ndarray, "4 2"]  # x and y: upper left, lower left, lower right, upper right


def cut_sheet(grey: Grey) -> Grey:
    """Cut out the innermost thing that the digit is written on; all of it if there is none."""
    for cell in (-(-max(grey.shape) // CELLS), 1):
        if sheets := list(find_sheets(grey, cell)):
            corners = min(sheets, key=lambda corners: size_of(corners).prod())
            size = tuple(size_of(corners).round().astype(int).tolist())
            cut = Image.fromarray(grey).transform(
                size, Image.Transform.QUAD, corners.ravel().tolist(), Image.Resampling.BICUBIC
            )
            grey = np.asarray(cut)
    return grey


def size_of(corners: Corners) -> Float[np.ndarray, "2"]:
    """Measure width and height."""
    return np.hypot(*(corners[[3, 1]] - corners[0]).T)


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
        grid = tile(tone, cell).any((1, 3))
        parts = ndimage.label(grid)[0]
        for number, where in enumerate(ndimage.find_objects(parts), 1):
            (top, bottom), (left, right) = ((x.start, x.stop) for x in where)
            inside = top > 0 and left > 0 and bottom < grid.shape[0] and right < grid.shape[1]
            least = (LEAST_FRAME if cell == 1 else LEAST_SHEET) * grid.size
            if (bottom - top) * (right - left) < least or (cell == 1 and not inside):
                continue
            filled = ndimage.label(np.pad(parts[where] != number, 1, constant_values=True))[0] != 1
            filled = filled[1:-1, 1:-1]
            corners, area = smallest_rectangle(filled)
            if COVER * area <= filled.sum() <= MOST * grid.size and (
                holds_something(tone, filled, top * cell, left * cell, cell)
            ):
                yield corners * cell + np.array([left, top]) * cell


def holds_something(tone: Mask, filled: Mask, top: int, left: int, cell: int) -> bool:
    """Tell whether a sheet, of this tone and in this place, has some of the other tone on it."""
    if cell > 1:  # cells along the edge hold both
        filled = ndimage.binary_erosion(filled, iterations=2).repeat(cell, 0).repeat(cell, 1)
    box = tone[top : top + filled.shape[0], left : left + filled.shape[1]]
    filled = filled[: box.shape[0], : box.shape[1]]
    rim = filled & ~ndimage.binary_erosion(filled, iterations=3)
    if box[rim].sum() < CLEAN * rim.sum():
        return False
    area, same = filled.sum(), box[filled].sum()
    around = (tone.sum() - same) / (tone.size - area)
    return bool(LEAST_HELD * area < area - same < MOST_HELD * area and (cell == 1 or around < 0.5))


def smallest_rectangle(mask: Mask) -> tuple[Corners, float]:
    """Find the smallest rectangle around what is filled, of those turned by whole degrees.

    Returns its corners, moved a little inside, and its area.
    """
    first, last = mask.argmax(1), mask.shape[1] - mask[:, ::-1].argmax(1)
    rows = np.arange(len(mask))
    x, y = np.concatenate([first, first, last, last]), np.concatenate([rows, rows + 1] * 2)
    angles = np.radians(np.arange(-45, 46))[:, None]
    across, down = np.cos(angles) * x + np.sin(angles) * y, np.cos(angles) * y - np.sin(angles) * x
    areas = np.ptp(across, 1) * np.ptp(down, 1)
    best = (areas * (1 + 0.01 * np.abs(angles[:, 0]))).argmin()  # in doubt one that is straight
    left, right, top, bottom = (f(v[best]) for v in (across, down) for f in (np.min, np.max))
    edge = 1 + EDGE * min(right - left, bottom - top)
    left, right, top, bottom = left + edge, right - edge, top + edge, bottom - edge
    turned = np.array([[left, top], [left, bottom], [right, bottom], [right, top]])
    cos, sin = np.cos(angles[best, 0]), np.sin(angles[best, 0])
    return turned @ np.array([[cos, sin], [-sin, cos]]), areas[best]


def tile(x: np.ndarray, cell: int) -> np.ndarray:
    """Cut it into cells, [row, height, column, width]; the last ones repeat the edge."""
    height, width = x.shape
    padded = np.pad(x, ((0, -height % cell), (0, -width % cell)), mode="edge")
    return padded.reshape(-(-height // cell), cell, -(-width // cell), cell)
