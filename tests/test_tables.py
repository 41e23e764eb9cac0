"""Tables: aligned, and with as many decimals as a figure bears."""

import pytest

from experiments.report.tables import count_decimals, markdown_table, text_table


def test_words_are_aligned_left_and_integers_right():
    rows = [("name", "count"), ("1e-3", 1234), ("0.10", 5)]
    assert text_table(rows) == "name      count\n1e-3      1,234\n0.10          5"
    assert markdown_table(rows).splitlines()[1:3] == [
        "|:-------|--------:|",
        "| 1e-3   |   1,234 |",
    ]


@pytest.mark.parametrize(
    ("std", "seeds", "decimals"),
    [
        (0.0476, 3, 0),  # 2.7 % of standard error
        (0.00447, 3, 1),  # 0.26 %
        (0.00076, 3, 2),  # 0.044 %
        (0.0012, 3, 2),  # 0.07 %, though they lie 0.12 % apart
        (0.00003, 10, 2),
        (0.0, 2, 2),
        (0.5, 2, 0),  # 35 %
    ],
)
def test_a_mean_has_the_decimals_that_its_standard_error_reaches(std, seeds, decimals):
    assert count_decimals(std, seeds) == decimals
