"""Curves of a run and of seeds: of few epochs and many, of perfect runs and failed ones."""

from pathlib import Path

import numpy as np
import pytest

from experiments.report.pictures.curves import draw_curves, draw_seeds, move_apart, write_accuracy
from experiments.report.records import original_records
from tests.pictures import (
    assert_texts_are_apart,
    catch_figures,
    make_records,
    size_of_png,
    texts_of,
)


def labels_of(axes) -> list[str]:
    """List the labels of the y axis that are shown, from below."""
    first, last = sorted(axes.get_ylim())
    ticks = [x for x in axes.yaxis.get_major_ticks() if first <= x.get_loc() <= last]
    return [x.label1.get_text() for x in reversed(ticks) if x.label1.get_visible()]


@pytest.mark.parametrize("error", [0.45, 0.04, 0.0], ids=str)
@pytest.mark.parametrize("epochs", [1, 2, 3, 25, 60])
def test_curves_have_room_for_their_labels(monkeypatch, epochs, error):
    figures = catch_figures(monkeypatch)
    draw_curves(make_records(epochs, error), Path(), original_records())
    assert_texts_are_apart(figures[0])


ACCURACIES = [  # errors of digit and sum by epoch, and the labels of their axes from below
    ([0.3, 0.006], [0.9, 0.02], ["0", "50", "80", "90", "95", "98", "99", "99.5"], None),
    ([0.03, 0.012, 0.01, 0.006], [0.01] * 4, ["95", "98", "99", "99.5"], None),
    ([0.01], [0.01], ["98", "99"], None),
    ([0.1], [0.1], ["90", "95"], None),  # for floats it is a little less
    ([0.0], [0.0], ["99.98", "≥ 99.99"], None),
    ([0.691, 0.304, 0.49], [0.911, 0.89], ["0", "20", "40", "60", "80"], ["0", "5", "10", "15"]),
    ([0.11, 0.04], [0.93, 0.63], ["80", "90", "95", "98"], ["0", "10", "20", "30", "40"]),
    ([0.11], [0.3], ["0", "20", "40", "60", "80", "100"], ["0", "20", "40", "60", "80"]),
    ([0.9], [1.0], ["0", "2", "4", "6", "8", "10"], ["0", "0.5", "1"]),
]


@pytest.mark.parametrize(("digit", "sum_", "of_digit", "of_sum"), ACCURACIES)
def test_outputs_have_a_common_scale_once_both_are_learnt(
    monkeypatch, digit, sum_, of_digit, of_sum
):
    records = make_records(len(digit))
    for record, one, other in zip(records, digit, [*sum_, sum_[-1]], strict=False):
        record["test"] |= {"digit_accuracy": 1 - one, "sum_accuracy": 1 - other}
    figures = catch_figures(monkeypatch)
    draw_seeds([records, records], Path())
    assert_texts_are_apart(figures[0])
    left, right = figures[0].axes
    assert labels_of(left) == of_digit
    assert labels_of(right) == (of_sum or [])
    assert left.yaxis_inverted()
    if of_sum is None:
        assert left.get_ylim() == right.get_ylim()


def test_losses_have_a_common_scale_and_only_the_start_of_long_training_may_lie_outside(
    monkeypatch,
):
    figures = catch_figures(monkeypatch)
    for epochs in (3, 4):
        records = make_records(epochs)
        for record, loss in zip(records, [90.0, 0.4, 0.3, 0.3], strict=False):
            record["train"] = record["train"] | {"digit_loss": loss}
        draw_curves(records, Path(), [])
        figures[-1].draw_without_rendering()
    few, many = (labels_of(figure.axes[2])[::-1] for figure in figures)
    assert (few[0], few[-1]) == ("0.02", "100")
    assert many == ["0.02", "0.05", "0.1", "0.2", "0.5"]
    for figure in figures:
        assert figure.axes[2].get_ylim() == figure.axes[3].get_ylim()
        assert labels_of(figure.axes[3]) == []


def test_seeds_say_what_line_band_and_figures_are(monkeypatch):
    figures = catch_figures(monkeypatch)
    draw_seeds([make_records(3, error) for error in (0.012, 0.010, 0.0114)], Path())
    texts = texts_of(figures[0])
    assert "Line: mean of 3 seeds. Band: from the lowest of them to the highest." in texts
    assert "mean 98.89\nstd 0.10" in texts
    assert "mean 97.8\nstd 0.2" in texts
    assert_texts_are_apart(figures[0])
    draw_seeds([make_records(2, 0.0)] * 2, Path())
    assert texts_of(figures[1]).count("mean 100.00\nstd 0.00") == 2


def test_the_whole_band_of_the_seeds_is_shown(monkeypatch):
    figures = catch_figures(monkeypatch)
    draw_seeds([make_records(3, error) for error in (0.002, 0.002, 0.05)], Path())
    for axes in figures[0].axes:
        (band,) = axes.collections
        lowest, highest = axes.get_ylim()
        assert lowest >= band.get_datalim(axes.transData).y1
        assert highest <= band.get_datalim(axes.transData).y0


def test_pictures_are_whole_and_of_a_known_size(tmp_path):
    draw_curves(make_records(2), tmp_path / "curves.png", [])
    draw_seeds([make_records(2)] * 2, tmp_path / "seeds.png")
    sizes = {path.name: size_of_png(path) for path in tmp_path.iterdir()}
    assert sizes == {"curves.png": (1280, 992), "seeds.png": (1280, 576)}


def test_errors_are_written_as_accuracies():
    errors = [0.5, 0.005, 1e-4, 0.0]
    assert [*map(write_accuracy, errors)] == ["50", "99.5", "≥ 99.99", "100"]


def test_labels_move_apart_no_further_than_they_must():
    assert move_apart([0.5, 0.1, 0.5], 0.2) == pytest.approx([0.4, 0.1, 0.6])
    assert move_apart([0.3, 0.7], 0.1) == pytest.approx([0.3, 0.7])
    assert np.diff(np.sort(move_apart([0.0, 0.01, 0.05, 0.9], 0.08))).min() >= 0.08 - 1e-9
