"""What a run shows: lines for a file, a bar for a terminal."""

from experiments.training.progress import Progress, figures_of

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


def test_a_bar_within_the_epoch_and_then_the_same_lines(capsys):
    progress = Progress(3, 25, 60_000, interactive=True)
    progress.bar.mininterval = 0
    progress.advance(30_000, AVERAGES)
    progress.finish(RECORD)
    shown, errors = capsys.readouterr()
    assert "epoch  3/25  50%|" in shown
    assert "digit 0.027  93.0%  sum 0.953 100.0%" in shown
    assert "examples/s" in shown
    assert shown.endswith(LINES)
    assert errors == ""
