"""What a run leaves for people to read: a page, its tables, its pictures."""

from collections.abc import Sequence
from functools import partial

from tabulate import tabulate

Row = Sequence[str | int]


def text_table(rows: Sequence[Row], style: str = "plain") -> str:
    """Align columns under their heads, the first row; those that end in an integer at the right."""
    words = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    sides = ["right" if isinstance(cell, int) else "left" for cell in rows[-1]]
    return tabulate(words, "firstrow", style, disable_numparse=True, colalign=sides)


markdown_table = partial(text_table, style="pipe")
