"""What a run leaves for people to read, and what it is compared with."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from tabulate import tabulate

from experiments.configs import Config
from experiments.system.workdir import Records, read_records

Row = Sequence[str | int]

LAST_EPOCHS = 7  # averaged, as single epochs are noisy
ORIGINAL_LOG = Path(__file__).parents[1] / "results" / "original.jsonl"


def text_table(rows: Sequence[Row], style: str = "plain") -> str:
    """Align columns under their heads, the first row; those that end in an integer at the right."""
    words = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    sides = ["right" if isinstance(cell, int) else "left" for cell in rows[-1]]
    return tabulate(words, "firstrow", style, disable_numparse=True, colalign=sides)


markdown_table = partial(text_table, style="pipe")


def original_records(config: Config) -> Records:
    """Read what the original logged in its one run, if a run of the config has the same images.

    The log, of accuracies alone and of one number for each test image, is the training cell's in
    https://github.com/Code-Trees/END-GAME, Session_3/Session_3.ipynb.
    """
    is_like = config.dataset == "mnist" and config.train_examples is None and config.held_out == 0
    return read_records(ORIGINAL_LOG) if is_like else []


def last_accuracies(
    runs: Iterable[Records], accuracy: str, epochs: int = 1, split: str = "test"
) -> list[float]:
    return [mean(record[split][accuracy] for record in run[-epochs:]) for run in runs]
