"""Tables: aligned, and no wider than a narrow terminal."""

import pytest

from experiments.report.layers import list_layers, receptive_fields
from experiments.report.tables import (
    layer_table,
    markdown_table,
    ranges_of,
    receptive_field_table,
    text_table,
)
from mnist_sum.learning.model import MnistSum

TERMINAL = 60  # columns of a narrow one


def test_words_are_aligned_left_and_integers_right():
    assert text_table([("name", "count"), ("a", 1234), ("bc", 5)]) == (
        "name  count\n"
        "a     1,234\n"
        "bc        5"
    )  # fmt: skip


def test_markdown_has_rules():
    assert markdown_table([("name", "count"), ("a", 1234)]) == (
        "| name | count |\n"
        "| ---- | ----: |\n"
        "| a    | 1,234 |"
    )  # fmt: skip


def test_tables_of_the_model_fit_a_narrow_terminal():
    layers = list_layers(MnistSum())
    table = layer_table(layers).splitlines()
    fields = receptive_field_table(receptive_fields(layers)).splitlines()
    assert " ".join(table[1].split()) == "encoder/block1/conv 10 x 26 x 26 90"
    assert " ".join(table[-1].split()) == "total 21,843"
    assert " ".join(fields[-1].split()) == "encoder/conv8 5 x 5 1 1 x 1 28 x 28"
    assert max(map(len, table + fields)) <= TERMINAL


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([], ""), ([5], "5"), ([1, 2, 3], "1 .. 3"), ([1, 3, 4, 7], "1, 3 .. 4, 7")],
)
def test_numbers_that_follow_each_other_are_a_range(numbers, words):
    assert ranges_of(numbers) == words
