"""What is taken for what: a matrix that fills its picture, and the sums that are misread most."""

from pathlib import Path

import numpy as np
import pytest

from experiments.report.pictures.confusion import draw_digits, draw_sums
from tests.pictures import assert_texts_are_apart, catch_figures, size_of_png, texts_of


def make_counts(labels: int, mistakes: int) -> np.ndarray:
    """Count many right answers, none of label 0, and some mistakes of one kind."""
    counts = np.diag(np.arange(labels) * 500)
    counts[1, 2] = mistakes
    return counts


@pytest.mark.parametrize("mistakes", [0, 3000])
def test_matrix_of_digits_fills_the_picture_and_keeps_its_figures_apart(monkeypatch, mistakes):
    figures = catch_figures(monkeypatch)
    draw_digits(make_counts(10, mistakes), Path())
    assert_texts_are_apart(figures[0], gap=0.04)
    (axes,) = figures[0].axes
    place = axes.get_window_extent().transformed(figures[0].transFigure.inverted())
    assert place.width > 0.9
    (mesh,) = axes.collections
    assert not mesh.get_clip_on()  # half of each outer line is outside
    shares = [text for text in axes.texts if text.get_text() in ("100.0%", "-")]
    assert len(shares) == (10 if mistakes == 0 else 9)  # digit 0 does not occur
    edge = axes.transData.transform((9.5, 0))[0]
    assert min(x.get_window_extent().x0 for x in shares) > edge + 0.04 * figures[0].dpi


def test_title_says_how_many_are_misread(monkeypatch):
    figures = catch_figures(monkeypatch)
    draw_digits(make_counts(10, 30), Path())
    draw_sums(make_counts(19, 30), Path())
    assert "Digits: 30 of 22,530 misread (0.13%)" in texts_of(figures[0])
    assert "Sums: 30 of 85,530 misread (0.04%)" in texts_of(figures[1])


def test_sums_that_are_misread_most_stand_first_with_how_often(monkeypatch):
    counts = np.diag(np.full(19, 900))
    counts[11, 16] = 7
    counts[0, 1:14] = 1
    figures = catch_figures(monkeypatch)
    draw_sums(counts, Path())
    pairs, distances = figures[0].axes
    assert pairs.get_title("left") == "Ways to misread one: the 12 most frequent of 14"
    labels = [label.get_text() for label in pairs.get_yticklabels()]
    assert labels[:2] == ["11 read as 16", "0 read as 1"]
    assert [text.get_text() for text in pairs.texts][:2] == ["7 of 907", "1 of 913"]
    assert pairs.yaxis_inverted()  # the first is the uppermost
    heights = {round(x.get_x() + x.get_width() / 2): x.get_height() for x in distances.patches}
    assert heights[5] == 8  # 11 read as 16, and 0 as 5
    assert heights[0] == heights[-1] == 0  # right sums are not counted
    assert sum(heights.values()) == 20


@pytest.mark.parametrize(
    ("counts", "ways"),
    [
        (make_counts(19, 0), "none"),
        (make_counts(19, 3000), "1"),
        (np.full((19, 19), 10000), "the 12 most frequent of 342"),
    ],
    ids=["none", "1", "all"],
)
def test_sums_have_room_however_many_are_misread(monkeypatch, counts, ways):
    figures = catch_figures(monkeypatch)
    draw_sums(counts, Path())
    assert f"Ways to misread one: {ways}" in texts_of(figures[0])
    assert_texts_are_apart(figures[0])


def test_pictures_are_as_wide_as_all(tmp_path):
    draw_digits(make_counts(10, 1), tmp_path / "digit.png")
    draw_sums(make_counts(19, 1), tmp_path / "sum.png")
    assert {size_of_png(path)[0] for path in tmp_path.iterdir()} == {1280}
