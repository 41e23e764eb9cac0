"""What a run shows while it trains: a bar within the epoch on a terminal, two lines after it."""

import sys
from typing import Any

from tqdm import tqdm


class Progress:
    """Show one epoch; `interactive` is true where somebody watches a terminal."""

    def __init__(self, epoch: int, epochs: int, examples: int, interactive: bool) -> None:
        """Start the bar of an epoch."""
        self.label = f"epoch {epoch:>{len(str(epochs))}}/{epochs}"
        self.bar = tqdm(
            total=examples,
            desc=self.label,
            disable=not interactive,
            leave=False,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix} {rate_noinv_fmt}",
            unit=" examples",
            file=sys.stdout,
        )

    def advance(self, examples: int, averages: dict[str, float]) -> None:
        """Move the bar to so many examples; show the averages up to there."""
        self.bar.set_postfix_str(figures_of(averages, digits=3), refresh=False)
        self.bar.update(examples - self.bar.n)

    def finish(self, record: dict[str, Any]) -> None:
        """Replace the bar by the epoch's two lines."""
        self.bar.close()
        speed = f"{record['examples_per_second']:,.0f} examples/s"
        print(f"{self.label}  train  {figures_of(record['train'])}  {speed}")
        print(f"{'':{len(self.label)}}  test   {figures_of(record['test'])}", flush=True)


def figures_of(averages: dict[str, float], digits: int = 4) -> str:
    """Write loss and accuracy of both outputs, the loss with so many decimals.

    The accuracy on pairs that training leaves out comes last, if it was measured.
    """
    figures = [
        f"{output} {averages[f'{output}_loss']:.{digits}f} "
        f"{averages[f'{output}_accuracy']:{digits + 3}.{digits - 2}%}"
        for output in ("digit", "sum")
    ]
    if "unseen_accuracy" in averages:
        figures.append(f"unseen {averages['unseen_accuracy']:.{digits - 2}%}")
    return "  ".join(figures)
