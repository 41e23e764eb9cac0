"""Percentages: what they are rounded to."""

import pytest

from experiments.report.percent import count_decimals
from mnist_sum.reading.answer import write_probability


@pytest.mark.parametrize(
    ("probability", "decimals", "text"),
    [
        (0.5, 2, "50.00%"),
        (0.99994, 2, "99.99%"),
        (0.99996, 2, "> 99.99%"),
        (1.0, 2, "> 99.99%"),
        (0.9996, 1, "> 99.9%"),
        (0.1234, 1, "12.3%"),
    ],
)
def test_no_probability_is_called_certain(probability, decimals, text):
    assert write_probability(probability, decimals) == text


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
