"""Percentages: what they are rounded to."""

import pytest

from experiments.report.percent import write_probability


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
