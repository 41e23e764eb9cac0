"""What a run shows while it trains: a bar on a terminal, two lines after each epoch."""

import heapq
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from experiments.report.tables import ranges_of

COMPILING = "Compiling: 10 to 30 s the first time, less when the programs are kept."
LEAST_CELLS = 8  # of a bar; on a narrow terminal it takes the place of figures
RATE = "{rate_noinv_fmt}"  # of examples, for which tqdm writes 9.99k/s


class Progress:
    """Show one epoch; `interactive` is true where somebody watches a terminal."""

    def __init__(self, epoch: int, epochs: int, examples: int, interactive: bool) -> None:
        """Start the bar of an epoch."""
        self.label = f"epoch {epoch:>{len(str(epochs))}}/{epochs}"
        self.bar = new_bar(examples, interactive, bar_format=bar_format(self.label, {}, None))

    def advance(self, examples: int, averages: dict[str, float]) -> None:
        """Move the bar to so many examples; show the averages up to there."""
        self.bar.bar_format = bar_format(self.label, averages, self.bar.format_dict["ncols"])
        self.bar.update(examples - self.bar.n)

    def finish(self, record: dict[str, Any]) -> None:
        """Replace the bar by the epoch's two lines."""
        self.bar.close()
        speed = f"{record['examples_per_second']:,.0f} examples/s"
        print(f"{self.label}  train  {figures_of(record['train'])}  {speed}")
        print(f"{'':{len(self.label)}}  test   {figures_of(record['test'])}", flush=True)


class SeedsProgress:
    """Show several seeds: which are training, how many epochs are done, and how long it takes."""

    def __init__(self, epochs: int, interactive: bool) -> None:
        """Start the bar of so many epochs, those of all seeds."""
        self.bar = new_bar(epochs, interactive, bar_format="|{bar}|")
        self.start = self.latest = self.changed = time.perf_counter()
        self.busy = 0.0  # seconds of training, of all seeds together
        self.known: int | None = None  # epochs that were done when this began
        self.pace: float | None = None  # seconds for an epoch of a seed, with all around it

    def advance(self, running: Mapping[int, int], waiting: Sequence[int]) -> None:
        """Move the bar: to the epochs left of each seed that trains, and of each that waits."""
        now = time.perf_counter()
        done = self.bar.total - sum(running.values()) - sum(waiting)
        self.busy += len(running) * (now - self.latest)
        self.latest = now
        if self.known is None:
            self.known = self.bar.n = done
        elif done > self.bar.n:
            self.pace, self.changed, self.bar.n = self.busy / (done - self.known), now, done
        lane = longest_lane(running.values(), waiting)
        if lane == 0:
            expected = "writing reports"
        elif self.pace is None:
            expected = f"compiling first: {tqdm.format_interval(now - self.start)}"
        else:
            seconds = max(self.pace * lane - (now - self.changed), 0)
            expected = f"{tqdm.format_interval(seconds)} left"
        seeds = f"training {'seed' if len(running) == 1 else 'seeds'} {ranges_of(sorted(running))}"
        tails = [f" {done} of {self.bar.total} epochs, {expected}", f" {expected}"]
        tail = first_that_fits(tails, f"{seeds} ||", self.bar.format_dict["ncols"])
        self.bar.bar_format = f"{seeds} |{{bar}}|{tail}"
        self.bar.refresh()

    def write(self, line: str) -> None:
        """Print a line above the bar."""
        self.bar.write(line)
        sys.stdout.flush()

    def close(self) -> None:
        """Remove the bar."""
        self.bar.close()


def new_bar(total: int, interactive: bool, bar_format: str) -> tqdm:
    """Make a bar that goes away at its end."""
    return tqdm(
        total=total,
        disable=not interactive,
        leave=False,
        dynamic_ncols=True,
        bar_format=bar_format,
        unit="",
        unit_scale=True,
        file=sys.stdout,
    )


def bar_format(label: str, averages: Mapping[str, float], columns: int | None) -> str:
    """Lay out an epoch's bar for tqdm, with as much beside it as leaves it some cells."""
    tails: list[str] = []
    if averages:
        accuracies = f" digit {averages['digit_accuracy']:.1%}  sum {averages['sum_accuracy']:.1%}"
        tails = [f" {figures_of(averages, digits=3)}  {RATE}", f"{accuracies}  {RATE}", accuracies]
    tail = first_that_fits(tails, f"{label} 100%||", columns)
    return f"{label} {{percentage:3.0f}}%|{{bar}}|{tail}"


def first_that_fits(tails: Sequence[str], before: str, columns: int | None) -> str:
    """Choose what stands behind a bar, so that this has some cells; nothing, if all is too long."""
    room = sys.maxsize if columns is None else columns - len(before) - LEAST_CELLS
    return next((tail for tail in tails if len(tail.replace(RATE, "9.99k/s")) <= room), "")


def longest_lane(running: Iterable[int], waiting: Iterable[int]) -> int:
    """Say how many epochs are left until the last seed ends, if each that waits takes a free place.

    Given are the epochs left of the seeds that train, and of those that wait.
    """
    lanes = list(running)
    heapq.heapify(lanes)
    for epochs in waiting:
        heapq.heapreplace(lanes, lanes[0] + epochs)
    return max(lanes)


def figures_of(averages: Mapping[str, float], digits: int = 4) -> str:
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
