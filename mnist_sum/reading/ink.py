"""Make of a grey picture of one digit the image that MNIST's makers would have made of it.

They scaled the ink's box into 20 x 20 pixels, antialiased and with its aspect ratio kept, and put
its centre of mass at the centre of 28 x 28 (http://yann.lecun.com/exdb/mnist). Before that comes
what a photograph or a drawing needs. The picture's longer side has 200 to 1,000 pixels, 0 to 255.

1. Take off specks: no pixel is above the third largest of its 3 x 3, or below the third smallest,
   so that a line of one pixel stays. Then take the mean of 3 x 3, rounded. Edge pixels repeat.
2. Estimate the paper. Average cells, 40 along the longer side. Fit a plane to the two outermost
   rings of cells, four times, each time without those that are more than 3 grey levels and twice
   the median error away. Add the running median over 25 x 25 cells of what the plane leaves, with
   zeros beyond the picture, so that a digit that fills it is no paper; then that over 9 x 9 cells
   of what is still left, edge cells repeated, at most by 8 levels or a fifth of the greatest.
   Between the centres of cells it is linear.
3. Subtract the paper. Ink is the side, darker or lighter, on which the sum of cubes lies. There is
   none if its greatest value is below 16 levels or 8 times the noise, the median step over 4
   columns. Its level is the median of what is above half the greatest; ink is 0 below 0.12 of it
   and 1 above 0.88, and linear between.
4. Find the connected parts of what is above 0.3, on a grid of at most 250 cells along a side. The
   digit is the largest part, and each that is near: closer to its box than 0.4 of its longer side,
   and 0.02 of its size at least. What runs along the border (a shadow, the edge of a table) is no
   digit if there is another part. A large part elsewhere is an error.
5. Spread strokes thinner than 1.5 of 20 pixels to that width, and pare those wider than 3.2; the
   width is 2 x area / length of the outline. MNIST's are 1.0 to 3.6 wide, half of them 1.5 to 2.0.
6. Scale and centre in one step: each of 28 x 28 pixels is the mean of the ink in its square. The
   box of what is above 0.3 becomes 20 pixels long, and the centre of mass comes to the middle of
   pixel 14, counted from 0, where MNIST has it; but the box stays inside.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageFilter

from mnist_sum.errors import BlankError, InputError

SIDE, BOX = 28, 20
CENTRE = 14.5  # of MNIST's images, from the outer edge of pixel 0
CELLS = 40  # along the longer side
WINDOW, FINE_WINDOW = 25, 9  # cells; ink must not fill half of the first one
FINE_SHARE, FINE_LEVELS = 0.2, 8  # of ink that the second one may take for paper
MIN_CONTRAST = 16  # grey levels
MIN_NOISES, NOISE_STEP = 8, 4  # pure noise has its greatest value at about 5
LOW, HIGH = 0.12, 0.88  # of the ink's level: all paper below, all ink above
INK = 0.3  # of the range in between: what counts when it is yes or no
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
    """Take off paper and noise, scale and centre the digit; light on dark.

    Raises InputError, which begins with `name`, if there is no digit, or not one alone.
    """
    ink = find_ink(name, grey)
    ink = ink * keep_digit(name, ink > INK)
    top, bottom, left, right = box_of(np.argwhere(ink > 0))
    return place(set_width(ink[top:bottom, left:right]))


def find_ink(name: str, grey: UInt8[np.ndarray, "height width"]) -> Plane:
    """Measure how much ink each pixel has, 0 to 1."""
    grey = grey.clip(255 - third_largest(255 - grey), third_largest(grey))
    smooth = np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(1)), np.float32)
    away = smooth - estimate_paper(smooth)
    if (away * away * away).sum() < 0:  # a power is far slower
        away = -away
    noise = float(np.median(np.abs(smooth[:, NOISE_STEP:] - smooth[:, :-NOISE_STEP])))
    if away.max() < max(MIN_CONTRAST, MIN_NOISES * noise):
        raise BlankError(f"{name} shows nothing but paper, expected a digit.")
    level = np.median(away[away > away.max() / 2])
    return ((away / level - LOW) / (HIGH - LOW)).clip(0, 1)


def third_largest(grey: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
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


def estimate_paper(grey: Plane) -> Plane:
    """Estimate how bright the paper is, also under the ink; light and shadows may be uneven."""
    height, width = grey.shape
    cell = -(-max(height, width) // CELLS)
    cells = tile(grey, cell).mean((1, 3))
    plane = fit_plane(cells)
    paper = plane + running_median(cells - plane, WINDOW, "constant")
    rest = cells - paper
    bound = max(FINE_SHARE * np.abs(rest).max(), FINE_LEVELS)
    paper += running_median(rest, FINE_WINDOW, "edge").clip(-bound, bound)
    padded = np.pad(paper.astype(np.float32), 1, mode="edge")  # so that its edges are linear too
    size = (padded.shape[1] * cell, padded.shape[0] * cell)
    large = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BILINEAR))
    return large[cell : cell + height, cell : cell + width]


def fit_plane(cells: Plane) -> Plane:
    """Fit a plane to the cells along the border, without those that ink or shadow lies in."""
    rows, cols = cells.shape
    y, x = np.mgrid[:rows, :cols]
    basis = np.stack([np.ones_like(x), y, x], -1).astype(np.float64)
    ring = (np.minimum(y, rows - 1 - y) < 2) | (np.minimum(x, cols - 1 - x) < 2)
    fits = ring
    for _ in range(4):
        plane = basis @ np.linalg.lstsq(basis[fits], cells[fits].astype(np.float64))[0]
        error = np.abs(cells - plane)
        fits = ring & (error <= 3 + 2 * np.median(error[ring]))
    return plane


def running_median(cells: Plane, window: int, mode: str) -> Plane:
    """Take the median of the square around each cell."""
    padded = np.pad(cells, window // 2, mode=mode)  # type: ignore[call-overload]
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, (window, window)), (2, 3))


def tile(x: Plane | Mask, cell: int) -> np.ndarray:
    """Cut it into cells, [row, height, column, width]; the last ones repeat the edge."""
    height, width = x.shape
    padded = np.pad(x, ((0, -height % cell), (0, -width % cell)), mode="edge")
    return padded.reshape(-(-height // cell), cell, -(-width // cell), cell)


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
    left = set(map(tuple, np.argwhere(mask).tolist()))
    parts = []
    while left:
        part = [left.pop()]
        for y, x in part:  # which grows meanwhile
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            part += sorted(around)
        parts.append(np.array(part))
    return parts


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
