"""What is taken for what: a matrix that fills its picture, and the sums that are misread most."""

from pathlib import Path

import numpy as np
import pytest

from experiments.report import confusion
from experiments.report.confusion import (
    draw_digit_confusion,
    draw_sum_confusion,
    list_confusions,
    write_share,
)
from tests.pictures import assert_texts_are_apart, catch_figures, size_of_png, texts_of


def make_counts(labels: int, mistakes: int) -> np.ndarray:
    """Count many right answers, none of label 0, and some mistakes of one kind."""
    counts = np.diag(np.arange(labels) * 500)
    counts[1, 2] = mistakes
    return counts


def test_the_most_frequent_confusion_comes_first():
    counts = np.diag([5, 6, 7])
    counts[0, 2], counts[2, 1], counts[1, 0] = 1, 3, 1
    assert list_confusions(counts) == [(2, 1, 3, 10), (0, 2, 1, 6), (1, 0, 1, 7)]


@pytest.mark.parametrize("mistakes", [0, 3000])
def test_matrix_of_digits_fills_the_picture_and_keeps_its_figures_apart(monkeypatch, mistakes):
    figures = catch_figures(monkeypatch, confusion)
    draw_digit_confusion(make_counts(10, mistakes), Path())
    assert_texts_are_apart(figures[0], gap=0.04)
    (axes,) = figures[0].axes
    place = axes.get_window_extent().transformed(figures[0].transFigure.inverted())
    assert place.width > 0.9
    (mesh,) = axes.collections
    assert not mesh.get_clip_on()  # half of each outer line is outside


def test_shares_stand_free_of_the_matrix(monkeypatch):
    figures = catch_figures(monkeypatch, confusion)
    draw_digit_confusion(make_counts(10, 0), Path())
    figures[0].draw_without_rendering()
    (axes,) = figures[0].axes
    edge = axes.transData.transform((9.5, 0))[0]
    share = next(text for text in axes.texts if text.get_text() == "100.0%")
    assert share.get_window_extent().x0 > edge + 0.04 * figures[0].dpi


def test_title_says_how_many_are_misread(monkeypatch):
    figures = catch_figures(monkeypatch, confusion)
    draw_digit_confusion(make_counts(10, 30), Path())
    draw_sum_confusion(make_counts(19, 30), Path())
    assert "Digits: 30 of 22,530 misread (0.13%)" in texts_of(figures[0])
    assert "Sums: 30 of 85,530 misread (0.04%)" in texts_of(figures[1])


def test_sums_that_are_misread_most_stand_first_with_how_often(monkeypatch):
    counts = np.diag(np.full(19, 900))
    counts[11, 16] = 7
    counts[0, 1:14] = 1
    figures = catch_figures(monkeypatch, confusion)
    draw_sum_confusion(counts, Path())
    pairs, distances = figures[0].axes
    assert pairs.get_title("left") == "Ways to misread one: the 12 most frequent of 14"
    assert [label.get_text() for label in pairs.get_yticklabels()][:2] == [
        "11 read as 16",
        "0 read as 1",
    ]
    assert [text.get_text().strip() for text in pairs.texts][:2] == ["7 of 907", "1 of 913"]
    highest, lowest = sorted(pairs.get_ylim())
    assert highest < 0 < lowest
    assert pairs.yaxis_inverted()  # the first is the uppermost
    heights = {round(x.get_x() + x.get_width() / 2): x.get_height() for x in distances.patches}
    assert heights[5] == 8  # 11 read as 16, and 0 as 5
    assert heights[0] == heights[-1] == 0  # right sums are not counted
    assert sum(heights.values()) == 20


@pytest.mark.parametrize(
    ("mistakes", "title"),
    [
        (0, "Ways to misread one: none"),
        (3000, "Ways to misread one: 1"),
    ],
)
def test_sums_have_room_however_many_are_misread(monkeypatch, mistakes, title):
    figures = catch_figures(monkeypatch, confusion)
    draw_sum_confusion(make_counts(19, mistakes), Path())
    assert title in texts_of(figures[0])
    assert_texts_are_apart(figures[0])


def test_all_sums_misread_in_all_ways_have_room(monkeypatch):
    figures = catch_figures(monkeypatch, confusion)
    draw_sum_confusion(np.full((19, 19), 10000), Path())
    assert_texts_are_apart(figures[0])


def test_pictures_are_as_wide_as_all(tmp_path):
    draw_digit_confusion(make_counts(10, 1), tmp_path / "digit.png")
    draw_sum_confusion(make_counts(19, 1), tmp_path / "sum.png")
    assert {size_of_png(path)[0] for path in tmp_path.iterdir()} == {1280}


def test_a_label_that_does_not_occur_has_no_share():
    assert [write_share(1, 8, 1), write_share(0, 0, 1)] == ["12.5%", "-"]
