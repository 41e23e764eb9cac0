"""Make of a grey picture of one digit the image that MNIST's makers would have made of it.

They scaled the ink's box into 20 x 20 pixels, antialiased and with its aspect ratio kept, and put
its centre of mass at the centre of 28 x 28 (http://yann.lecun.com/exdb/mnist). Before that comes
what a photograph or a drawing needs. The picture's longer side has 200 to 500 pixels, 0 to 255.

1. Cut out what the digit is written on, if the picture shows more: in `sheet`.
2. Take the paper off: in `paper`. Ink is 0 to 1 then.
3. Find the connected parts of what is above 0.3, on a grid of at most 250 cells along a side. The
   digit is the largest part, and each that is near: closer to its box than 0.4 of its longer side,
   and 0.02 of its size at least. What runs along the border (a shadow, the edge of a table) is no
   digit if there is another part. A large part elsewhere is an error.
4. Spread strokes thinner than 1.5 of 20 pixels to that width, and pare those wider than 3.2; the
   width is 2 x area / length of the outline. MNIST's are 1.0 to 3.6 wide, half of them 1.5 to 2.0.
5. Scale and centre in one step: each of 28 x 28 pixels is the mean of the ink in its square. The
   box of what is above 0.3 becomes 20 pixels long, and the centre of mass comes to the middle of
   pixel 14, counted from 0, where MNIST has it; but the box stays inside.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from mnist_sum.errors import BlankError, InputError
from mnist_sum.reading.lines import rub_out_lines
from mnist_sum.reading.paper import find_ink
from mnist_sum.reading.sheet import cut_sheet, tile

SIDE, BOX = 28, 20
CENTRE = 14.5  # of MNIST's images, from the outer edge of pixel 0
INK = 0.3  # what counts when it is yes or no
GRID = 250
SPECK, OTHER = 0.02, 0.1  # of the largest part: dust below, another digit above
NEAR = 0.4  # of the largest part's longer side
ALONG = 0.15  # of the picture's border
MIN_BOX = 10  # pixels
THINNEST, THICKEST = 1.5, 3.2  # of 20 pixels

Plane = Float[np.ndarray, "height width"]
Mask = Bool[np.ndarray, "height width"]
Part = Int[np.ndarray, "pixel 2"]  # row and column of each pixel of a connected part
Box = tuple[int, int, int, int]  # top, bottom, left, right; the last row and column are outside


def draw_digit(name: str, grey: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "28 28"]:
    """Take off what is not the digit, scale and centre the digit; light on dark.

    Raises InputError, which begins with `name`, if there is no digit, or not one alone.
    """
    ink = rub_out_lines(find_ink(name, cut_sheet(grey)))
    ink = ink * keep_digit(name, ink > INK)
    top, bottom, left, right = box_of(np.argwhere(ink > 0))
    return place(set_width(ink[top:bottom, left:right]))


def keep_digit(name: str, ink: Mask) -> Mask:
    """Say which pixels belong to the digit, or lie around it."""
    height, width = ink.shape
    cell = -(-max(height, width) // GRID)
    grid = np.asarray(tile(ink, cell).any((1, 3)))
    parts = find_parts(grid)
    inside = [part for part in parts if not runs_along(part, grid.shape)]
    parts = inside or parts
    if not parts:
        raise BlankError(f"{name} shows nothing but paper, expected a digit.")
    largest = max(parts, key=len)
    parts = [part for part in parts if len(part) >= SPECK * len(largest)]
    digit = box = box_of(largest)
    side = max(digit[1] - digit[0], digit[3] - digit[2])
    if side * cell < MIN_BOX:
        raise InputError(f"{name} shows too small a digit, expected {MIN_BOX} pixels at least.")
    kept = np.zeros_like(grid)
    while near := [part for part in parts if gap(box_of(part), box) <= NEAR * side]:
        for part in near:
            kept[tuple(part.T)] = True
        box = box_of(np.argwhere(kept))
        parts = [part for part in parts if not kept[tuple(part[0])]]
    if any(len(part) >= OTHER * len(largest) for part in parts):
        raise InputError(f"{name} shows things far apart, expected one digit: cut it out.")
    around = np.lib.stride_tricks.sliding_window_view(np.pad(kept, 1), (3, 3)).any((2, 3))
    return around.repeat(cell, 0).repeat(cell, 1)[:height, :width]


def find_parts(mask: Mask) -> list[Part]:
    """Find what is connected, across corners too."""
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    return [np.argwhere(parts == number) for number in range(1, count + 1)]


def runs_along(part: Part, shape: tuple[int, ...]) -> bool:
    """Say whether it lies on a good share of the picture's border."""
    on_border = ((part == 0) | (part == np.array(shape) - 1)).any(1)
    return bool(on_border.sum() > ALONG * 2 * sum(shape))


def box_of(part: Part) -> Box:
    """Find the box around pixels."""
    (top, left), (bottom, right) = part.min(0).tolist(), (part.max(0) + 1).tolist()
    return top, bottom, left, right


def gap(a: Box, b: Box) -> int:
    """Measure how far apart two boxes are; below 0 if they overlap."""
    return max(a[0] - b[1], b[0] - a[1], a[2] - b[3], b[2] - a[3])


def set_width(ink: Plane) -> Plane:
    """Spread strokes too thin to be seen in 20 pixels, and pare those that would close a digit."""
    box = box_of(np.argwhere(ink > INK))
    unit = max(box[1] - box[0], box[3] - box[2]) / BOX
    ink = np.pad(ink, 2)
    down, right = np.diff(ink, axis=0)[:, :-1], np.diff(ink, axis=1)[:-1]
    width = 2 * ink.sum() / np.sqrt(down**2 + right**2).sum()
    if width < THINNEST * unit:
        return spread(ink, round((THINNEST * unit - width) / 2))
    return 1 - spread(1 - ink, max(0, round((width - THICKEST * unit) / 2)))


def spread(ink: Plane, steps: int) -> Plane:
    """Take the greatest value around each pixel, so many pixels far."""
    ink = np.pad(ink, steps, mode="edge")
    for step in range(steps):  # a cross and a square in turn, to spread as a disc does
        x = np.pad(ink, 1, mode="edge")
        ink = np.maximum.reduce(
            [x[1:-1, 1:-1], x[:-2, 1:-1], x[2:, 1:-1], x[1:-1, :-2], x[1:-1, 2:]]
        )
        if step % 2:
            ink = np.maximum.reduce([ink, x[:-2, :-2], x[:-2, 2:], x[2:, :-2], x[2:, 2:]])
    return ink


def place(ink: Plane) -> UInt8[np.ndarray, "28 28"]:
    """Scale the ink's box to 20 pixels and move its centre of mass to the centre of 28."""
    top, bottom, left, right = box_of(np.argwhere(ink > INK))
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
