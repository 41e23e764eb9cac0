"""Make of the ink of a picture, 0 to 1, the image that MNIST's makers would have made of it.

They scaled the ink's box into 20 x 20 pixels, antialiased and with its aspect ratio kept, and put
its centre of mass at the centre of 28 x 28 (http://yann.lecun.com/exdb/mnist).

1. Find the connected parts of what is above 0.3, with gaps of two pixels closed. The digit is the
   largest that touches no border, unless that is less than 0.1 of one that does. Each part near to
   it belongs to it: closer to its box than 0.4 of its longer side, and 0.02 of its size at least. A
   large part elsewhere is an error, unless it touches the border.
2. Spread strokes thinner than 1.5 of 20 pixels to that width, and pare those wider than 3.2; the
   width is 2 x area / length of the outline. MNIST's are 1.0 to 3.6 wide, half of them 1.5 to 2.0.
3. Scale and centre in one step: each of 28 x 28 pixels is the mean of the ink in its square. The
   box of what is above 0.3 becomes 20 pixels long, and the centre of mass comes to the middle of
   pixel 14, counted from 0, where MNIST has it; but the box stays inside.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from mnist_sum.errors import BlankError, InputError

SIDE, BOX = 28, 20
CENTRE = 14.5  # of MNIST's images, from the outer edge of pixel 0
INK = 0.3  # what counts when it is yes or no
SPECK, OTHER = 0.02, 0.1  # of the largest part: dust below, another digit above
NEAR = 0.4  # of the largest part's longer side
SQUARE = np.ones((3, 3), bool)
MIN_BOX = 10  # pixels
THINNEST, THICKEST = 1.5, 3.2  # of 20 pixels

Plane = Float[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]
Box = tuple[int, int, int, int]  # top, bottom, left, right; the last row and column are outside


def draw_digit(name: str, ink: Plane) -> UInt8[np.ndarray, "28 28"]:
    """Pick the digit's ink, scale and centre it; light on dark.

    Raises InputError, which begins with `name`, if there is no digit, or not one alone.
    """
    ink = ink * pick_digit(name, ink > INK)
    top, bottom, left, right = box_of(ink > 0)
    return place(set_width(ink[top:bottom, left:right]))


def pick_digit(name: str, ink: Mask) -> Mask:
    """Find the pixels that belong to the digit, or lie beside it."""
    parts, count = ndimage.label(ndimage.binary_dilation(ink, SQUARE), SQUARE)
    if not count:
        raise BlankError(f"{name} shows nothing but paper, expected a digit.")
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    boxes = [
        (rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in ndimage.find_objects(parts)
    ]
    inside = sizes.copy()
    inside[[*parts[0], *parts[-1], *parts[:, 0], *parts[:, -1]]] = 0
    digit = int((inside if inside.max() >= OTHER * sizes.max() else sizes).argmax())
    box = boxes[digit - 1]
    side = max(box[1] - box[0], box[3] - box[2])
    if side < MIN_BOX:
        raise InputError(f"{name} shows too small a digit, expected {MIN_BOX} pixels at least.")
    left = {int(part) for part in np.flatnonzero(sizes >= SPECK * sizes[digit])}
    while near := {part for part in left if gap(boxes[part - 1], box) <= NEAR * side}:
        left -= near
        box = join(box, *(boxes[part - 1] for part in near))
    if any(inside[part] >= OTHER * sizes[digit] for part in left):
        raise InputError(f"{name} shows things far apart, expected one digit: cut it out.")
    kept = (sizes >= SPECK * sizes[digit]) & ~np.isin(np.arange(count + 1), list(left))
    return ndimage.binary_dilation(kept[parts], SQUARE)


def box_of(mask: Mask) -> Box:
    """Find the box around what there is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def gap(a: Box, b: Box) -> int:
    """Measure how far apart two boxes are; below 0 if they overlap."""
    return max(a[0] - b[1], b[0] - a[1], a[2] - b[3], b[2] - a[3])


def join(*boxes: Box) -> Box:
    """Find the box around boxes."""
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return min(tops), max(bottoms), min(lefts), max(rights)


def set_width(ink: Plane) -> Plane:
    """Spread strokes too thin to be seen in 20 pixels, and pare those that would close a digit."""
    box = box_of(ink > INK)
    unit = max(box[1] - box[0], box[3] - box[2]) / BOX
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
        shape = ndimage.generate_binary_structure(2, 1 + step % 2)
        ink = ndimage.grey_dilation(ink, footprint=shape, mode="nearest")
    return ink


def place(ink: Plane) -> UInt8[np.ndarray, "28 28"]:
    """Scale the ink's box to 20 pixels and move its centre of mass to the centre of 28."""
    top, bottom, left, right = box_of(ink > INK)
    unit = max(bottom - top, right - left) / BOX
    rows = overlaps(ink.sum(1), unit, (top, bottom))
    columns = overlaps(ink.sum(0), unit, (left, right))
    pixels = rows @ ink.astype(np.float64) @ columns.T
    return np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)


def overlaps(
    mass: Float[np.ndarray, " pixel"], unit: float, ends: tuple[int, int]
) -> Float[np.ndarray, "28 pixel"]:
    """Compute which share of each of 28 new pixels, `unit` wide, lies on each old one."""
    old = np.arange(len(mass))
    centre = float((mass * (old + 0.5)).sum() / mass.sum())
    start = min(max(centre - CENTRE * unit, ends[1] - SIDE * unit), ends[0])  # the box stays inside
    edges = start + unit * np.arange(SIDE + 1)
    low, high = np.maximum(edges[:-1, None], old), np.minimum(edges[1:, None], old + 1)
    return (high - low).clip(0) / unit
