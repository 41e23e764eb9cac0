"""Tables as text, for the terminal and for Markdown, and what is written into them."""

from collections.abc import Sequence
from functools import partial
from math import floor, log10

from tabulate import tabulate

MOST_DECIMALS = 2  # of an accuracy in percent: a third would be noise, even of ten seeds

Row = Sequence[str | int]


def text_table(rows: Sequence[Row], style: str = "plain") -> str:
    """Align columns under their heads, the first row; those that end in an integer at the right."""
    words = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    sides = ["right" if isinstance(cell, int) else "left" for cell in rows[-1]]
    return tabulate(words, "firstrow", style, disable_numparse=True, colalign=sides)


markdown_table = partial(text_table, style="pipe")


def count_decimals(std: float, seeds: int) -> int:
    """Count the decimals that the mean of an accuracy over seeds bears, in percent.

    The last is the first that its standard error reaches; `std` is a fraction, as accuracies are.
    """
    if std == 0:
        return MOST_DECIMALS
    standard_error = 100 * std / seeds**0.5
    return min(max(-floor(log10(standard_error)), 0), MOST_DECIMALS)
