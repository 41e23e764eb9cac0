"""Tables as text, for the terminal and for Markdown."""

from collections.abc import Iterable, Sequence

from experiments.report.layers import Layer, ReceptiveField

Row = Sequence[str | int]


def text_table(rows: Sequence[Row]) -> str:
    """Align columns under their heads, the first row; columns of integers at the right."""
    return "\n".join("  ".join(cells).rstrip() for cells in align(rows))


def markdown_table(rows: Sequence[Row]) -> str:
    """Align columns likewise, with the rules that make it a table of Markdown."""
    head, *body = align(rows)
    rules = ["-" * len(cell) for cell in head]
    for column, value in enumerate(rows[-1]):
        if isinstance(value, int):
            rules[column] = rules[column][:-1] + ":"
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rules, *body))


def align(rows: Sequence[Row]) -> list[list[str]]:
    """Write the cells of each column equally wide; the last row tells which hold integers."""
    columns = []
    for cells in zip(*rows, strict=True):
        words = [f"{cell:,}" if isinstance(cell, int) else cell for cell in cells]
        side = ">" if isinstance(cells[-1], int) else "<"
        width = max(map(len, words))
        columns.append([f"{word:{side}{width}}" for word in words])
    return [list(row) for row in zip(*columns, strict=True)]


def layer_table(layers: list[Layer]) -> str:
    """List the layers with their output for one image (channel, height, width), and parameters."""
    head = ("layer", "output", "parameters")
    rows = [(layer.name, by_times(layer.shape), layer.parameters) for layer in layers]
    total = sum(layer.parameters for layer in layers)
    return text_table([head, *rows, ("total", "", total)])


def receptive_field_table(fields: list[ReceptiveField]) -> str:
    """List how much of the image an output of each layer sees."""
    head = ("layer", "window", "stride", "output", "sees pixels")
    rows = [
        (
            field.name,
            by_times([field.window] * 2),
            field.stride,
            by_times([field.size] * 2),
            by_times([field.field] * 2),
        )
        for field in fields
    ]
    return text_table([head, *rows])


def by_times(sides: Sequence[int]) -> str:
    """Write a shape as in 10 x 26 x 26."""
    return " x ".join(map(str, sides))


def ranges_of(numbers: Iterable[int]) -> str:
    """Write ascending whole numbers, those that follow each other as in 1 .. 3, 7."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ", ".join(
        str(first) if first == last else f"{first} .. {last}" for first, last in ranges
    )
