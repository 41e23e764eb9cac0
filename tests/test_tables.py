"""Tables: aligned, and no wider than a narrow terminal."""

import pytest

from experiments.report.layers import layer_table, list_layers, receptive_field_table
from experiments.report.tables import markdown_table, ranges_of, text_table
from mnist_sum.learning.model import MnistSum

TERMINAL = 60  # columns of a narrow one


def test_words_are_aligned_left_and_integers_right():
    rows = [("name", "count"), ("1e-3", 1234), ("0.10", 5)]
    assert text_table(rows).splitlines() == [
        "name      count",
        "1e-3      1,234",
        "0.10          5",
    ]
    assert markdown_table(rows).splitlines() == [
        "| name   |   count |",
        "|:-------|--------:|",
        "| 1e-3   |   1,234 |",
        "| 0.10   |       5 |",
    ]


def test_tables_of_the_network_fit_a_narrow_terminal():
    layers = list_layers(MnistSum())
    table, fields = (x(layers).splitlines() for x in (layer_table, receptive_field_table))
    rows = [" ".join(line.split()) for line in (table[1], table[-1], fields[-1])]
    assert rows[:2] == ["encoder/block1/conv 10 x 26 x 26 90", "total 21,843"]
    assert rows[2] == "encoder/conv8 5 x 5 1 1 x 1 28 x 28"
    assert max(map(len, table + fields)) <= TERMINAL


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([], ""), ([5], "5"), ([1, 2, 3], "1 .. 3"), ([1, 3, 4, 7], "1, 3 .. 4, 7")],
)
def test_numbers_that_follow_each_other_are_a_range(numbers, words):
    assert ranges_of(numbers) == words
