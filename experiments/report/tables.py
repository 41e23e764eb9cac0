"""Tables as text, for the terminal and for Markdown."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

from tabulate import tabulate

Row = Sequence[str | int]


def text_table(rows: Sequence[Row], style: str = "plain") -> str:
    """Align columns under their heads, the first row; those that end in an integer at the right."""
    words = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    sides = ["right" if isinstance(cell, int) else "left" for cell in rows[-1]]
    return tabulate(words, "firstrow", style, disable_numparse=True, colalign=sides)


markdown_table = partial(text_table, style="pipe")


def ranges_of(numbers: Iterable[int]) -> str:
    """Write ascending whole numbers, those that follow each other as in 1 .. 3, 7."""
    pairs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    runs = ([number for _, number in run] for _, run in pairs)
    return ", ".join(f"{run[0]} .. {run[-1]}" if run[1:] else f"{run[0]}" for run in runs)
