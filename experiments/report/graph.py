"""A picture of the model: blocks of layers from the image down to the sum."""

from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from experiments.report.layers import Layer
from experiments.report.sheet import COLOURS, GREY, INK, SMALL, WIDTH, new_figure, our_style, save
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS

MODULE_COLOURS = {"encoder": COLOURS["digit"], "adder": COLOURS["sum"]}
CELL_WIDTH, CELL_HEIGHT, ROW_HEIGHT = 0.98, 0.36, 0.58  # inches
LEFT, MAIN, RIGHT = 0.95, WIDTH / 2 + 0.25, WIDTH - 0.6  # the middles of the columns, in inches
LABEL_WIDTH, PADDING = 0.65, 0.16  # inches
TIMES = "\N{MULTIPLICATION SIGN}"


class Block(NamedTuple):
    """Layers side by side."""

    cells: tuple[str, ...]
    """What is written into each."""
    shape: str = ""
    """That of what comes out for one image."""
    module: str = ""
    """Encoder, adder or neither."""
    label: str = ""


IMAGE = Block(("image",), f"28{TIMES}28")
NUMBER = Block(("number",), "scalar")
ONE_HOT = Block(("one hot",), f"{NUM_NUMBERS}", "adder")
CONCATENATE = Block(("concatenate",), f"{NUM_DIGITS + NUM_NUMBERS}", "adder")
LOG_SOFTMAX = Block(("log softmax",), f"{NUM_DIGITS}")
DIGIT = Block(("digit log\nprobabilities",))
SUM = Block(("sum logits",))
ENDS = (IMAGE, NUMBER, DIGIT, SUM)


@our_style
def draw_model(layers: list[Layer], path: Path) -> None:
    """Draw the layers with their parameters, and the shapes of what passes between them."""
    encoder, adder = (group(layers, module) for module in MODULE_COLOURS)
    number = [NUMBER]
    if len(adder) > 1:  # the exact adder is one block, and takes the number as it is
        number.append(ONE_HOT)
        adder.insert(0, CONCATENATE)
    middle = [IMAGE, *encoder, *adder, SUM]
    fork = len(encoder)  # the row of the digit's logits
    join = fork + 1  # the row where the number comes in

    figure = new_figure(ROW_HEIGHT * len(middle))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(ROW_HEIGHT * (len(middle) - 0.5), -ROW_HEIGHT / 2)
    draw_frame(axes, "encoder", layers, MAIN - 2 * CELL_WIDTH - LABEL_WIDTH, range(1, join))
    if len(adder) > 1:
        rows = range(join, len(middle) - 1)
        draw_frame(axes, "adder", layers, LEFT - CELL_WIDTH / 2 - PADDING, rows)
    draw_column(axes, MAIN, 0, middle)
    draw_column(axes, LEFT, join + 1 - len(number), number)
    draw_column(axes, RIGHT, fork, [LOG_SOFTMAX, DIGIT])
    draw_arrow_right(axes, LEFT, MAIN, join, number[-1].shape)
    draw_arrow_right(axes, MAIN, RIGHT, fork, encoder[-1].shape)
    save(figure, path)


def group(layers: list[Layer], module: str) -> list[Block]:
    """Put the layers of a module into blocks, as its own modules do."""
    inside = [layer for layer in layers if layer.name.split("/")[0] == module]
    blocks = []
    for path, members in groupby(inside, key=lambda layer: layer.name.split("/")[:2]):
        row = list(members)
        shape = TIMES.join(map(str, row[-1].shape))
        label = path[-1] if path[-1][-1].isdigit() else ""  # max_pool says the same in its cell
        blocks.append(Block(tuple(map(cell_text, row)), shape, module, label))
    return blocks


def cell_text(layer: Layer) -> str:
    """Say what a layer is, how large its window is, and how many parameters it has, if any."""
    text = layer.name.rpartition("/")[2].rstrip("0123456789").replace("_", " ")
    if layer.window:
        text += f" {layer.window}{TIMES}{layer.window}"
    if layer.parameters:
        text += f"\n{layer.parameters:,}"
    return text


def draw_frame(axes: Axes, module: str, layers: list[Layer], left: float, rows: range) -> None:
    """Draw a frame behind the rows of a module, with its parameters in all."""
    right = MAIN + 2 * CELL_WIDTH + PADDING
    top = ROW_HEIGHT * (rows[0] - 0.5) + PADDING / 4
    bottom = ROW_HEIGHT * (rows[-1] + 0.5) - PADDING / 4
    colour = MODULE_COLOURS[module]
    draw_box(axes, (left, top, right, bottom), rounding=PADDING, facecolor=(colour, 0.08), lw=0)
    parameters = sum(x.parameters for x in layers if x.name.startswith(f"{module}/"))
    label = f"{module}\n{parameters:,} parameters"
    write(axes, left + PADDING, bottom - PADDING, label, color=colour, ha="left", va="bottom")


def draw_column(axes: Axes, column: float, row: int, blocks: list[Block]) -> None:
    """Draw blocks one below the other from a row on, each with an arrow to the next."""
    for y, block in enumerate(blocks, row):
        draw_block(axes, column, ROW_HEIGHT * y, block)
        if block is not blocks[-1]:
            start, end = ROW_HEIGHT * y + CELL_HEIGHT / 2, ROW_HEIGHT * (y + 1) - CELL_HEIGHT / 2
            write(axes, column + PADDING / 2, (start + end) / 2, block.shape, ha="left")
            draw_arrow(axes, (column, start), (column, end))


def draw_arrow_right(axes: Axes, source: float, target: float, row: int, shape: str) -> None:
    """Draw an arrow from a cell in one column to a cell in another one of the same row."""
    start, end, y = source + CELL_WIDTH / 2, target - CELL_WIDTH / 2, ROW_HEIGHT * row
    write(axes, (start + end) / 2, y - PADDING / 2, shape)
    draw_arrow(axes, (start, y), (end, y))


def draw_block(axes: Axes, x: float, y: float, block: Block) -> None:
    """Draw a block around a point, its label before it."""
    left = x - CELL_WIDTH * len(block.cells) / 2
    write(axes, left - PADDING / 2, y, block.label, color=GREY, ha="right")
    for text in block.cells:
        draw_box(
            axes,
            (left, y - CELL_HEIGHT / 2, left + CELL_WIDTH, y + CELL_HEIGHT / 2),
            rounding=CELL_HEIGHT / 2 if block in ENDS else 0.02,
            facecolor="white",
            edgecolor=MODULE_COLOURS.get(block.module, INK),
            lw=0.8,
        )
        write(axes, left + CELL_WIDTH / 2, y, text)
        left += CELL_WIDTH


def draw_box(
    axes: Axes, sides: tuple[float, float, float, float], rounding: float, **look: Any
) -> None:
    """Draw a rounded box between left, top, right and bottom."""
    left, top, right, bottom = sides
    style = f"round,pad=0,rounding_size={rounding}"
    corner = left, top
    axes.add_patch(FancyBboxPatch(corner, right - left, bottom - top, boxstyle=style, **look))


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    look = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=look)


def write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write small text, centred if not told otherwise."""
    look = {"ha": "center", "va": "center", "color": INK, "fontsize": SMALL, **look}
    axes.text(x, y, text, **look)
