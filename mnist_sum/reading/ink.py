"""Make of the ink of a picture, 0 to 1, the image that MNIST's makers would have made of it.

They scaled the ink's box into 20 x 20 pixels, antialiased and with its aspect ratio kept, and put
its centre of mass at the centre of 28 x 28 (http://yann.lecun.com/exdb/mnist).

1. Find the connected parts of what is above 0.3, with gaps of two pixels closed. The digit is the
   largest that touches no border, unless that is less than 0.1 of one that does. Each part near to
   it belongs to it: closer to its box than 0.4 of its longer side, and 0.02 of its size at least. A
   large part elsewhere is an error, unless it touches the border.
2. Turn a digit back that leans by more than 25 degrees, until it leans by 15. What tells how far it
   leans is the covariance of rows and columns; MNIST's lean to the right by -23 to 31 degrees.
3. Spread strokes thinner than 2.4 of 20 pixels to that width, and pare those wider than 3.2; the
   width is 2 x area / length of the outline. MNIST's are 1.0 to 3.6 wide, half of them 1.5 to 2.0.
4. Scale and centre in one step: each of 28 x 28 pixels is the mean of the ink in its square. The
   box of what is above 0.3 becomes 20 pixels long, and the centre of mass comes to the middle of
   pixel 14, counted from 0, where MNIST has it; but the box stays inside.
"""

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage

from mnist_sum.errors import BlankError, InputError
from mnist_sum.reading import Mask, Plane

SIDE, BOX = 28, 20
SQUARE = np.ones((3, 3))  # a pixel and its eight neighbours
CENTRE = 14.5  # of MNIST's images, from the outer edge of pixel 0
INK = 0.3  # what counts when it is yes or no
SPECK, OTHER = 0.02, 0.1  # of the largest part: dust below, another digit above
NEAR = 0.4  # of the largest part's longer side
MIN_BOX = 10  # pixels
FARTHEST, UPRIGHT = 25, 15  # degrees that a digit leans, to the left or to the right
THINNEST, THICKEST = 2.4, 3.2  # of 20 pixels


def draw_digit(ink: Plane) -> UInt8[np.ndarray, "28 28"]:
    """Pick the digit's ink, scale and centre it; light on dark.

    Raises InputError if there is no digit, or not one alone.
    """
    ink = straighten(pick_digit(ink))
    return place(set_width(ink[box_of(ink > 0)]))


def pick_digit(ink: Plane) -> Plane:
    """Cut out the digit, with what is faint beside it, and without what is near but not its own."""
    parts = ndimage.label(grow(ink > INK), SQUARE)[0]
    sizes = np.bincount(parts.ravel())[1:]
    if not sizes.size:
        raise BlankError("shows nothing but paper, expected a digit.")
    boxes = np.array([[(x.start, x.stop) for x in box] for box in ndimage.find_objects(parts)])
    first, last = boxes[..., 0], boxes[..., 1]
    inside = ((first > 0) & (last < ink.shape)).all(1) * sizes
    digit = (inside if inside.max() >= OTHER * sizes.max() else sizes).argmax()
    side = (last - first)[digit].max()
    if side < MIN_BOX:
        raise InputError(f"shows too small a digit, expected at least {MIN_BOX} pixels.")
    kept, near = np.zeros(len(sizes), bool), np.arange(len(sizes)) == digit
    while (kept != near).any():
        kept, start, end = near, first[near].min(0), last[near].max(0)
        gaps = np.maximum(first - end, start - last).max(1)  # below 0 where boxes overlap
        near = (gaps <= NEAR * side) & (sizes >= SPECK * sizes[digit])
    if inside[~kept].max(initial=0) >= OTHER * sizes[digit]:
        raise InputError("shows things far apart, expected one digit: crop to it.")
    around = tuple(map(slice, (start - 1).clip(0), end + 1))
    own = np.append(False, kept)[parts[around]]
    return ink[around] * grow(own)


def box_of(mask: Mask) -> tuple[slice, slice]:
    """Find the rows and columns that there is something in."""
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def straighten(ink: Plane) -> Plane:
    """Turn back a digit that leans farther than people write."""
    rows, columns = np.nonzero(ink > INK)
    (height, slope), _ = np.cov(rows, columns, aweights=ink[rows, columns])
    lean = np.degrees(np.arctan2(-slope, height))
    if abs(lean) <= FARTHEST:
        return ink
    return ndimage.rotate(ink, lean - np.copysign(UPRIGHT, lean), order=1)


def set_width(ink: Plane) -> Plane:
    """Spread strokes too thin to be seen in 20 pixels, and pare those that would close a digit."""
    unit = max(ink[box_of(ink > INK)].shape) / BOX
    ink = np.pad(ink, 2)
    down, right = np.diff(ink, axis=0)[:, :-1], np.diff(ink, axis=1)[:-1]
    width = 2 * ink.sum() / np.sqrt(down**2 + right**2).sum()
    if width < THINNEST * unit:
        return spread(ink, round((THINNEST * unit - width) / 2))
    return 1 - spread(1 - ink, max(0, round((width - THICKEST * unit) / 2)))


def spread(ink: Plane, steps: int) -> Plane:
    """Take the greatest value within some pixels of each one."""
    ink = np.pad(ink, steps, mode="edge")
    for step in range(steps):  # a cross and a square in turn, to spread as a disc does
        ink = grow(ink) if step % 2 else np.maximum(*(grow(ink, (axis,)) for axis in (0, 1)))
    return ink


def grow(values: np.ndarray, axes: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """Take the greatest of each pixel and those beside it; scipy takes ten times as long."""
    for axis in axes:
        x = np.pad(np.moveaxis(values, axis, 0), ((1, 1), (0, 0)))
        values = np.moveaxis(np.maximum(np.maximum(x[:-2], x[2:]), x[1:-1]), 0, axis)
    return values


def place(ink: Plane) -> UInt8[np.ndarray, "28 28"]:
    """Scale the ink's box to 20 pixels and move its centre of mass to the centre of 28."""
    box = box_of(ink > INK)
    unit = max(ink[box].shape) / BOX
    rows, columns = (overlaps(ink.sum(1 - axis), unit, box[axis]) for axis in (0, 1))
    pixels = rows @ ink.astype(np.float64) @ columns.T
    return np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)


def overlaps(
    mass: Float[np.ndarray, " pixel"], unit: float, box: slice
) -> Float[np.ndarray, "28 pixel"]:
    """Compute which share of each of 28 new pixels, `unit` wide, lies on each old one."""
    old = np.arange(len(mass))
    centre = float((mass * (old + 0.5)).sum() / mass.sum())
    start = min(max(centre - CENTRE * unit, box.stop - SIDE * unit), box.start)  # it stays inside
    edges = start + unit * np.arange(SIDE + 1)
    low, high = np.maximum(edges[:-1, None], old), np.minimum(edges[1:, None], old + 1)
    return (high - low).clip(0) / unit
