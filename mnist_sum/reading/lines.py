"""Rub out what is ruled: the lines of paper, its squares, and what a digit is underlined with.

1. Lines may lie askew by 8 degrees. Of all angles, take the one at which most ink lies in one row,
   and shear the picture by it. Do the same for columns.
2. A line of paper runs from border to border and is thin. Take all of them for lines if what is
   left, the digit, touches no border, as the bar of a 7 does that fills its picture.
3. An underline is thin, solid, longer than the digit on both sides, and below it.
4. Where a line has ink on both sides, the digit crosses it: leave that.
"""

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from mnist_sum.reading import Mask, Plane
from mnist_sum.reading.paper import share_of_rim

INK = 0.2  # what counts: faint lines too
EACH = 8  # of the columns tells the angle
SLOPES = np.tan(np.radians(np.arange(-8, 8.1, 0.25)))
ACROSS = 0.85  # of the picture's width
SOLID = 0.9  # of what lies between its ends
BEYOND = 0.18  # of the digit's width, on either side of it
END = 0.03  # of the picture's width: where it may begin or end
LEAST_ROOM = 0.2  # of the picture's width: what a line that leaves it in a corner has in it
START = 0.25  # of the line, where the tail of a 2 begins
REST = 0.05  # of the digit: what may be below its underline
MOST_UNDER = 2  # underlines, one after the other
THICKEST = 0.05  # of the picture's longer side
FRINGE = 2  # pixels beside a line

Row = Int[np.ndarray, " row"]
Rows = Bool[np.ndarray, " row"]


def rub_out_lines(ink: Plane) -> Plane:
    """Take out the lines that a digit is written on or between."""
    mask = ink > INK
    ruled, under = find_lines(mask)
    columns = find_lines(mask.T)[0].T if mask[[0, -1]].any(1).all() else np.zeros_like(mask)
    lines = ruled | columns
    digit = largest_part(mask & ~lines) if lines.any() else lines
    if digit.any() and not share_of_rim(digit):
        ink = erase(erase(ink, ruled).T, columns.T).T
        under = find_lines(ink > INK)[1]
    for _ in range(MOST_UNDER):
        if under.any():
            ink = erase(ink, under)
            under = find_lines(ink > INK)[1]
    return ink


def find_lines(mask: Mask) -> tuple[Mask, Mask]:
    """Find rows that run across the picture, and those that underline the rest."""
    height, width = mask.shape
    middle = np.arange(width) - width / 2
    y, x = np.nonzero(mask[:, ::EACH])
    rows = (y + width + 0.5 - SLOPES[:, None] * middle[::EACH][x]).astype(int)
    sharpness = [np.square(np.bincount(row)).sum() for row in rows]
    shift = np.rint(SLOPES[np.argmax(sharpness)] * middle).astype(int)

    row = np.arange(height)[:, None] - shift + np.abs(shift).max()  # where each pixel goes
    sheared = np.zeros((row.max() + 1, width), bool)
    sheared[row, np.arange(width)] = mask
    room = np.bincount(row.ravel())
    count, first, last = ends(ndimage.maximum_filter1d(sheared, 3, 0))
    reaches = ((first <= END * width) & (last >= (1 - END) * width)) | (room < width)
    lines = reaches & (count >= ACROSS * room) & (room > LEAST_ROOM * width)
    across = thin(lines, mask.shape)
    return across[row], find_underline(sheared & ~across[:, None])[row]


def find_underline(mask: Mask) -> Rows:
    """Find rows of an underline; none if there is none."""
    count, first, last = ends(mask)
    solid = (count > 0) & (count >= SOLID * (last - first))
    longest = (count * solid).argmax()
    start, stop = first[longest], last[longest]
    rows = thin(solid & (count >= SOLID * count[longest]), mask.shape)
    above = np.flatnonzero(mask[max(int(rows.argmax()) - 1, 0)])
    if not rows[longest] or (above.size and above.mean() - start <= START * count[longest]):
        return np.zeros_like(rows)
    digit = largest_part(mask & ~rows[:, None])
    height, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    return rows & (
        len(height) > 3 * rows.sum()
        and mask[longest + rows.sum() :, start:stop].sum() < REST * digit.sum()
        and columns[0] - start > BEYOND * len(columns)
        and stop - 1 - columns[-1] > BEYOND * len(columns)
    )


def ends(mask: Mask) -> tuple[Row, Row, Row]:
    """Count the pixels of each row, and find its first and the one after its last."""
    return mask.sum(1), mask.argmax(1), mask.shape[1] - mask[:, ::-1].argmax(1)


def thin(rows: Rows, shape: tuple[int, int]) -> Rows:
    """Keep lines that are thin, and add their fringes."""
    thick = ndimage.binary_opening(rows, np.ones(int(THICKEST * max(shape)) + 1))
    return ndimage.binary_dilation(rows & ~thick, iterations=FRINGE)


def erase(ink: Plane, lines: Mask) -> Plane:
    """Take lines out of rows; but where there is ink above and below, it stays."""
    if not lines.any():
        return ink
    numbers = ndimage.label(lines[:, lines.sum(0).argmax()])[0]
    size = min(np.bincount(numbers)[1:].max(), round(THICKEST * max(ink.shape)) + 2 * FRINGE) + 2
    without = np.where(lines, 0, ink)
    strokes = np.ones((size, 1)), np.eye(size), np.eye(size)[::-1]
    closed = [ndimage.grey_closing(without, footprint=stroke) for stroke in strokes]
    return np.where(lines, np.maximum.reduce(closed), without)


def largest_part(mask: Mask) -> Mask:
    """Find the largest connected part; nothing if there is none."""
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    return parts == np.bincount(parts.ravel())[1:].argmax() + 1 if count else mask
