"""A picture of the model: blocks of layers from the image down to the sum."""

from collections import Counter
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from experiments.report.figures import COLOURS, GREY, INK, SMALL, WIDTH, new_figure, save
from mnist_sum.summary import Layer

MODULE_COLOURS = {"encoder": COLOURS["digit"], "adder": COLOURS["sum"]}
CELL_WIDTH, CELL_HEIGHT, ROW_HEIGHT = 0.98, 0.36, 0.58  # inches
LEFT, MAIN, RIGHT = 0.95, WIDTH / 2 + 0.25, WIDTH - 0.6  # the middles of the columns, in inches
LABEL_WIDTH, PADDING = 0.65, 0.16  # inches
TIMES = "\N{MULTIPLICATION SIGN}"
ENDS = ("input", "output")
WINDOWED = ("conv", "max_pool")


class Block(NamedTuple):
    """Layers in one line, and where it stands."""

    layers: tuple[Layer, ...]
    sources: tuple[str, ...]
    row: int = 0
    column: float = MAIN

    @property
    def y(self) -> float:
        """The middle, in inches from that of the first row."""
        return ROW_HEIGHT * self.row

    @property
    def left(self) -> float:
        """Where the first cell begins, in inches."""
        return self.column - CELL_WIDTH * len(self.layers) / 2

    @property
    def right(self) -> float:
        """Where the last cell ends, in inches."""
        return self.column + CELL_WIDTH * len(self.layers) / 2

    @property
    def label(self) -> str:
        """The name that the model gives to the block, if it gives one."""
        first = self.layers[0]
        name = parent(first) if len(self.layers) > 1 else first.name
        return "" if name.endswith(first.kind) or first.kind in ENDS else name.rpartition("/")[2]


def draw_model(layers: list[Layer], path: Path) -> None:
    """Draw the layers with their parameters, and the shapes of what passes between them."""
    blocks = place(group(layers))
    figure = new_figure(ROW_HEIGHT * (1 + max(block.row for block in blocks)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(figure.get_figheight() - ROW_HEIGHT / 2, -ROW_HEIGHT / 2)
    for module, colour in MODULE_COLOURS.items():
        draw_module(axes, module, colour, blocks)
    of_layer = {layer.name: block for block in blocks for layer in block.layers}
    for block in blocks:
        draw_block(axes, block)
        for source in block.sources:
            draw_arrow(axes, of_layer[source], block)
    save(figure, path)


def group(layers: list[Layer]) -> list[Block]:
    """Join layers of the same module that follow each other and feed nothing else."""
    consumers = Counter(source for layer in layers for source in layer.sources)
    blocks: list[Block] = []
    for layer in layers:
        last = blocks[-1].layers[-1] if blocks else layer
        follows = layer.sources == (last.name,) and consumers[last.name] == 1
        if follows and parent(layer) == parent(last) and layer.kind != "output":
            blocks[-1] = blocks[-1]._replace(layers=(*blocks[-1].layers, layer))
        else:
            blocks.append(Block((layer,), layer.sources))
    return blocks


def parent(layer: Layer) -> str:
    """Take the path of the module that a layer belongs to."""
    return layer.name.rpartition("/")[0]


def place(blocks: list[Block]) -> list[Block]:
    """Put the longest path into the middle, what leads to it at its left, the rest at its right."""
    found = {block.layers[-1].name: block for block in blocks}
    for name, block in found.items():
        row = max((found[source].row + 1 for source in block.sources), default=0)
        found[name] = block._replace(row=row, column=LEFT)
    path = [max(reversed(found), key=lambda name: found[name].row)]  # of two equals, the sum's
    while found[path[-1]].sources:
        path.append(max(found[path[-1]].sources, key=lambda name: found[name].row))
    for name in path:
        found[name] = found[name]._replace(column=MAIN)
    for name, block in found.items():  # a side block stands beside the block it leaves
        sources = [found[source] for source in block.sources]
        if block.column == LEFT and any(source.column != LEFT for source in sources):
            row = max(source.row + (source.column == RIGHT) for source in sources)
            found[name] = block._replace(row=row, column=RIGHT)
    for name, block in reversed(found.items()):  # or beside the block it enters
        consumers = [other for other in found.values() if name in other.sources]
        if block.column == LEFT:
            row = min(other.row - (other.column == LEFT) for other in consumers)
            found[name] = block._replace(row=row)
    return list(found.values())


def draw_module(axes: Axes, module: str, colour: str, blocks: list[Block]) -> None:
    """Draw a frame around the blocks of a module, if it has any, with its parameters in all."""
    inside = [block for block in blocks if block.layers[0].name.startswith(f"{module}/")]
    if not inside:
        return
    left = min(block.left - (LABEL_WIDTH if block.label else PADDING) for block in inside)
    right = max(block.right for block in inside) + PADDING
    top = min(block.y for block in inside) - ROW_HEIGHT / 2 + PADDING / 4
    bottom = max(block.y for block in inside) + ROW_HEIGHT / 2 - PADDING / 4
    draw_box(axes, (left, top, right, bottom), rounding=PADDING, facecolor=(colour, 0.08), lw=0)
    parameters = sum(layer.parameters for block in inside for layer in block.layers)
    label = f"{module}\n{parameters:,} parameters"
    write(axes, left + PADDING, bottom - PADDING, label, color=colour, ha="left", va="bottom")


def draw_block(axes: Axes, block: Block) -> None:
    """Draw a cell for each layer, and the block's name before them."""
    for index, layer in enumerate(block.layers):
        left = block.left + CELL_WIDTH * index
        colour = MODULE_COLOURS.get(layer.name.partition("/")[0], INK)
        draw_box(
            axes,
            (left, block.y - CELL_HEIGHT / 2, left + CELL_WIDTH, block.y + CELL_HEIGHT / 2),
            rounding=CELL_HEIGHT / 2 if layer.kind in ENDS else 0.02,
            facecolor="white",
            edgecolor=colour,
            lw=0.8,
        )
        write(axes, left + CELL_WIDTH / 2, block.y, cell_text(layer))
    write(axes, block.left - PADDING / 2, block.y, block.label, color=GREY, ha="right")


def draw_box(
    axes: Axes, sides: tuple[float, float, float, float], rounding: float, **look: Any
) -> None:
    """Draw a rounded box between left, top, right and bottom."""
    left, top, right, bottom = sides
    style = f"round,pad=0,rounding_size={rounding}"
    corner = left, top
    axes.add_patch(FancyBboxPatch(corner, right - left, bottom - top, boxstyle=style, **look))


def write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write small text, centred if not told otherwise."""
    look = {"ha": "center", "va": "center", "color": INK, "fontsize": SMALL, **look}
    axes.text(x, y, text, **look)


def cell_text(layer: Layer) -> str:
    """Say what a layer is, and how many parameters it has if any."""
    words = layer.name if layer.kind in ENDS else layer.kind
    lines = wrap(words.replace("_", " "), width=16)
    if layer.kind in WINDOWED:
        lines[0] += f" {layer.window}{TIMES}{layer.window}"
    if layer.parameters:
        lines.append(f"{layer.parameters:,}")
    return "\n".join(lines)


def draw_arrow(axes: Axes, source: Block, target: Block) -> None:
    """Draw an arrow from block to block, labelled with the shape that passes for one image."""
    shape = TIMES.join(map(str, source.layers[-1].shape)) or "scalar"
    if source.row < target.row:
        start = source.column, source.y + CELL_HEIGHT / 2
        end = target.column, target.y - CELL_HEIGHT / 2
        write(axes, start[0] + PADDING / 2, (start[1] + end[1]) / 2, shape, ha="left")
    else:
        leftwards = source.column > target.column
        start = (source.left if leftwards else source.right), source.y
        end = (target.right if leftwards else target.left), target.y
        write(axes, (start[0] + end[0]) / 2, start[1] - PADDING / 2, shape)
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0},
    )
