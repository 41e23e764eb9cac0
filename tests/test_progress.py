"""What a run shows: lines for a file, a bar for a terminal."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios

import pytest

from experiments.training import progress
from experiments.training.progress import Progress, SeedsProgress, figures_of, longest_lane

AVERAGES = {
    "digit_loss": 0.02661,
    "sum_loss": 0.95281,
    "digit_accuracy": 0.92994,
    "sum_accuracy": 1.0,
}
RECORD = {"train": AVERAGES, "test": AVERAGES, "examples_per_second": 1234.5}
LINES = (
    "epoch  3/25  train  digit 0.0266  92.99%  sum 0.9528 100.00%  1,234 examples/s\n"
    "             test   digit 0.0266  92.99%  sum 0.9528 100.00%\n"
)


def test_two_lines_an_epoch(capsys):
    progress = Progress(3, 25, 60_000, interactive=False)
    progress.advance(60_000, AVERAGES)
    progress.finish(RECORD)
    assert capsys.readouterr() == (LINES, "")


def test_the_accuracy_on_unseen_pairs_is_shown_where_there_are_some():
    shown = figures_of(AVERAGES | {"unseen_accuracy": 0.1234})
    assert shown == "digit 0.0266  92.99%  sum 0.9528 100.00%  unseen 12.34%"


@pytest.fixture
def terminal(monkeypatch):
    """Write to a terminal: one function makes it so many columns wide, one reads what it shows."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as output, os.fdopen(leader, "rb", 0) as shown:

        def resize(columns):
            fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            monkeypatch.setattr(sys, "stdout", output)

        def read():
            print("\0", end="", file=output, flush=True)
            characters = iter(lambda: shown.read(1), b"\0")
            return b"".join(characters).decode().replace("\r\n", "\n")

        yield resize, read


@pytest.mark.parametrize(
    ("columns", "figures"),
    [
        (40, ""),
        (54, " digit 93.0%  sum 100.0%"),
        (60, " digit 93.0%  sum 100.0%  9.99k/s"),
        (80, " digit 0.027  93.0%  sum 0.953 100.0%  9.99k/s"),
        (120, " digit 0.027  93.0%  sum 0.953 100.0%  9.99k/s"),
    ],
)
def test_a_bar_within_the_epoch_and_then_two_lines(terminal, columns, figures):
    resize, read = terminal
    resize(columns)
    shown = Progress(3, 25, 60_000, interactive=True)
    shown.bar.mininterval = 0
    shown.advance(30_000, AVERAGES)
    shown.finish(RECORD)
    *_, bar, gone, lines = read().split("\r")
    assert len(bar) == columns - 1  # tqdm leaves one free
    label, cells, beside = bar.split("|")
    assert label == "epoch  3/25  50%"
    assert len(cells) >= 8
    assert re.sub(r"\S+/s", "9.99k/s", beside) == figures
    assert gone.isspace()
    assert lines == LINES


@pytest.fixture
def clock(monkeypatch):
    """Give the time that our progress reads, in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_several_seeds_say_which_train_and_how_long_it_takes(clock, terminal):
    resize, read = terminal
    resize(80)
    shown = SeedsProgress(30, interactive=True)

    def bar(seconds, running, waiting):
        clock[0] = 100.0 + seconds
        shown.advance(running, waiting)
        *_, bar = read().split("\r")
        seeds, cells, rest = bar.split("|")
        assert (len(bar), len(cells) > 15) == (79, True)
        return seeds.removeprefix("training ") + rest

    # Of three seeds of ten epochs, the first has five already.
    assert bar(0, {7: 5, 8: 10}, [10]) == "seeds 7 .. 8  5 of 30 epochs, compiling first: 00:00"
    assert bar(9, {7: 5, 8: 10}, [10]) == "seeds 7 .. 8  5 of 30 epochs, compiling first: 00:09"
    # Two lanes of 20 s each for two epochs: 20 s an epoch. Seed 9 takes the place of 7: 4 + 10.
    assert bar(20, {7: 4, 8: 9}, [10]) == "seeds 7 .. 8  7 of 30 epochs, 04:40 left"
    assert bar(25, {7: 4, 8: 9}, [10]) == "seeds 7 .. 8  7 of 30 epochs, 04:35 left"
    assert bar(26, {9: 1}, []) == "seed 9  29 of 30 epochs, 00:02 left"
    assert bar(99, {9: 1}, []) == "seed 9  29 of 30 epochs, 00:00 left"
    assert bar(99, {9: 0}, []) == "seed 9  30 of 30 epochs, writing reports"


@pytest.mark.parametrize(
    ("columns", "tail"),
    [(80, " 5 of 30 epochs, compiling first: 00:00"), (60, " compiling first: 00:00"), (40, "")],
)
def test_on_a_narrow_terminal_the_bar_of_seeds_has_room(monkeypatch, terminal, columns, tail):
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 100.0)
    resize, read = terminal
    resize(columns)
    shown = SeedsProgress(30, interactive=True)
    shown.advance({7: 5, 8: 10}, [10])
    *_, bar = read().split("\r")
    shown.close()
    seeds, cells, rest = bar.split("|")
    assert (seeds, rest) == ("training seeds 7 .. 8 ", tail)
    assert len(cells) >= 8


def test_a_seed_that_waits_takes_the_place_that_is_free_first():
    assert longest_lane([3], []) == 3
    assert longest_lane([3, 5], [5]) == 8
    assert longest_lane([3, 5], [5, 5, 5]) == 13


def test_nobody_is_shown_a_bar_in_a_file(capsys):
    shown = SeedsProgress(30, interactive=False)
    shown.advance({7: 5}, [])
    shown.write("seed 7")
    shown.close()
    assert capsys.readouterr() == ("seed 7\n", "")
