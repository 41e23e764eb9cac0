"""A picture of the network: blocks of layers from the image down to the sum."""

from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import BoxStyle, FancyBboxPatch

from experiments.report.layers import Layer
from experiments.report.pictures import COLOURS, GREY, INK, WIDTH, new_sheet, our_style, save
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS

MODULE_COLOURS = {"encoder": COLOURS["digit"], "adder": COLOURS["sum"]}
CELL_WIDTH, CELL_HEIGHT, ROW_HEIGHT = 0.98, 0.36, 0.58  # inches
LEFT, MAIN, RIGHT = 0.95, WIDTH / 2 + 0.25, WIDTH - 0.6  # the middles of the columns, in inches
LABEL_WIDTH, PADDING, CORNER, END = 0.65, 0.16, 0.02, CELL_HEIGHT / 2  # inches
TIMES = "\N{MULTIPLICATION SIGN}"
ARROW = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


class Block(NamedTuple):
    """Layers side by side."""

    cells: list[str]  # what is written into each
    shape: str = ""  # of what comes out for one image
    colour: str = INK
    corner: float = CORNER
    label: str = ""


@our_style
def draw_model(layers: list[Layer], path: Path) -> None:
    encoder, adder = (group(layers, module) for module in MODULE_COLOURS)
    number = [Block(["number"], "scalar", corner=END)]
    if len(adder) > 1:  # the exact adder is one block, and takes the number as it is
        number.append(Block(["one hot"], f"{NUM_NUMBERS}", adder[0].colour))
        adder.insert(0, Block(["concatenate"], f"{NUM_DIGITS + NUM_NUMBERS}", adder[0].colour))
    image, sum_ = Block(["image"], f"28{TIMES}28", corner=END), Block(["sum logits"], corner=END)
    probabilities = Block(["digit log\nprobabilities"], corner=END)
    middle = [image, *encoder, *adder, sum_]
    fork = len(encoder)  # the row of the digit's logits
    join = fork + 1  # the row where the number comes in

    figure, axes = new_sheet(ROW_HEIGHT * len(middle))
    axes.set(xlim=(0, WIDTH), ylim=(ROW_HEIGHT * (len(middle) - 0.5), -ROW_HEIGHT / 2))
    draw_frame(axes, "encoder", layers, MAIN - 2 * CELL_WIDTH - LABEL_WIDTH, range(1, join))
    if len(adder) > 1:
        rows = range(join, len(middle) - 1)
        draw_frame(axes, "adder", layers, LEFT - CELL_WIDTH / 2 - PADDING, rows)
    draw_column(axes, MAIN, 0, middle)
    draw_column(axes, LEFT, join + 1 - len(number), number)
    draw_column(axes, RIGHT, fork, [Block(["log softmax"], f"{NUM_DIGITS}"), probabilities])
    sideways = (LEFT, MAIN, join, number[-1]), (MAIN, RIGHT, fork, encoder[-1])
    for left, right, row, block in sideways:
        start, end, y = left + CELL_WIDTH / 2, right - CELL_WIDTH / 2, ROW_HEIGHT * row
        axes.annotate("", xy=(end, y), xytext=(start, y), arrowprops=ARROW)
        axes.text((start + end) / 2, y - PADDING / 2, block.shape, **CENTRED)
    save(figure, path)


def group(layers: list[Layer], module: str) -> list[Block]:
    inside = [layer for layer in layers if layer.name.split("/")[0] == module]
    blocks = []
    for path, members in groupby(inside, key=lambda layer: layer.name.split("/")[:2]):
        row = list(members)
        shape = TIMES.join(map(str, row[-1].shape))
        label = path[-1] if path[-1][-1].isdigit() else ""  # max_pool says the same in its cell
        blocks.append(Block([*map(cell_text, row)], shape, MODULE_COLOURS[module], label=label))
    return blocks


def cell_text(layer: Layer) -> str:
    text = layer.name.rpartition("/")[2].rstrip("0123456789").replace("_", " ")
    if layer.window:
        text += f" {layer.window}{TIMES}{layer.window}"
    if layer.parameters:
        text += f"\n{layer.parameters:,}"
    return text


def draw_frame(axes: Axes, module: str, layers: list[Layer], left: float, rows: range) -> None:
    right = MAIN + 2 * CELL_WIDTH + PADDING
    top = ROW_HEIGHT * (rows[0] - 0.5) + PADDING / 4
    bottom = ROW_HEIGHT * (rows[-1] + 0.5) - PADDING / 4
    colour, box = MODULE_COLOURS[module], BoxStyle.Round(0, PADDING)
    look: dict[str, Any] = {"facecolor": (colour, 0.08), "lw": 0}
    axes.add_patch(FancyBboxPatch((left, top), right - left, bottom - top, box, **look))
    parameters = sum(x.parameters for x in layers if x.name.startswith(f"{module}/"))
    words = f"{module}\n{parameters:,} parameters"
    axes.text(left + PADDING, bottom - PADDING, words, color=colour, va="bottom")


def draw_column(axes: Axes, x: float, first: int, blocks: list[Block]) -> None:
    """Draw blocks one below the other from the first row on, each with an arrow to the next."""
    for row, block in enumerate(blocks, first):
        y = ROW_HEIGHT * row
        left, top = x - CELL_WIDTH * len(block.cells) / 2, y - CELL_HEIGHT / 2
        axes.text(left - PADDING / 2, y, block.label, color=GREY, ha="right", va="center")
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": block.colour, "lw": 0.8}
        for text in block.cells:
            box = BoxStyle.Round(0, block.corner)
            axes.add_patch(FancyBboxPatch((left, top), CELL_WIDTH, CELL_HEIGHT, box, **look))
            axes.text(left + CELL_WIDTH / 2, y, text, **CENTRED)
            left += CELL_WIDTH
        if block is not blocks[-1]:
            start, end = y + CELL_HEIGHT / 2, y + ROW_HEIGHT - CELL_HEIGHT / 2
            axes.annotate("", xy=(x, end), xytext=(x, start), arrowprops=ARROW)
            axes.text(x + PADDING / 2, (start + end) / 2, block.shape, va="center")
