"""What a run shows while it trains: a bar on a terminal, two lines after each epoch."""

import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

COMPILING = "Compiling: 10 to 30 s the first time, less when the programs are kept."


def new_bar(total: int, what: str, unit: str) -> tqdm:
    """Start a bar that goes away when it is closed; in a file there is none."""
    return tqdm(
        total=total,
        desc=what,
        unit=unit,
        bar_format="{desc} |{bar}| {n_fmt} of {total_fmt} {unit}{postfix}",
        disable=None,  # in a file
        leave=False,
        dynamic_ncols=True,
        file=sys.stdout,
    )


def print_epoch(label: str, record: Mapping[str, Any]) -> None:
    speed = f"{record['examples_per_second']:,.0f} images/s"
    print(f"{label}  train  {figures_of(record['train'])}  {speed}")
    print(f"{'':{len(label)}}  test   {figures_of(record['test'])}", flush=True)


def figures_of(averages: Mapping[str, float]) -> str:
    """Write loss and accuracy of both outputs, then whatever else was measured."""
    left = dict(averages)
    figures = [
        f"{output} {left.pop(f'{output}_loss'):.4f} {left.pop(f'{output}_accuracy'):7.2%}"
        for output in ("digit", "sum")
    ]
    for name, value in left.items():
        is_share = name.endswith("_accuracy")
        figures.append(f"{name.removesuffix('_accuracy')} {value:{'.2%' if is_share else '.4f'}}")
    return "  ".join(figures)
