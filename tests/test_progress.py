"""What a run shows: lines for a file, a bar for a terminal."""

import fcntl
import os
import pty
import struct
import sys
import termios

import pytest

from experiments.training.progress import figures_of, new_bar, print_epoch

AVERAGES = {
    "digit_loss": 0.02661,
    "sum_loss": 0.95281,
    "digit_accuracy": 0.92994,
    "sum_accuracy": 1.0,
}


def test_two_lines_an_epoch_and_no_bar_in_a_file(capsys):
    with new_bar(60_000, "epoch  3/25", "images") as bar:
        bar.update(30_000)
    print_epoch("epoch  3/25", {"train": AVERAGES, "test": AVERAGES, "examples_per_second": 1234.5})
    assert capsys.readouterr() == (
        "epoch  3/25  train  digit 0.0266  92.99%  sum 0.9528 100.00%  1,234 images/s\n"
        "             test   digit 0.0266  92.99%  sum 0.9528 100.00%\n",
        "",
    )


def test_whatever_else_was_measured_comes_last():
    shown = figures_of(AVERAGES | {"unseen_accuracy": 0.1234, "confidence": 0.95})
    assert shown == "digit 0.0266  92.99%  sum 0.9528 100.00%  unseen 12.34%  confidence 0.9500"


@pytest.mark.parametrize("columns", [30, 80])
def test_a_bar_on_a_terminal_fits_in_it_and_goes(columns, monkeypatch):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(follower, "w", encoding="utf-8") as terminal, os.fdopen(leader, "rb", 0) as seen:
        monkeypatch.setattr(sys, "stdout", terminal)
        with new_bar(60_000, "epoch  3/25", "images") as bar:
            bar.set_postfix_str("digit 93.0%")
            bar.update(30_000)
            bar.refresh()
        print("\0", end="", flush=True)
        shown = b"".join(iter(lambda: seen.read(1), b"\0")).decode()
    *_, half, gone, end = shown.split("\r")
    assert len(half) < columns
    assert half.startswith("epoch  3/25 |")
    assert columns < 80 or half.endswith("| 30000 of 60000 images, digit 93.0%")
    assert gone.isspace()
    assert end == ""
