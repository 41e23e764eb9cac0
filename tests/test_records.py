"""Records of runs: what of them is averaged and how it is rounded; the original's log."""

import dataclasses
from statistics import mean

import pytest

from experiments.configs import base, sample
from experiments.report.records import count_decimals, is_like_original, original_records


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


def test_the_original_reached_what_it_is_known_by():
    tests = [record["test"] for record in original_records()]
    assert len(tests) == 25
    assert tests[-1] == {"digit_accuracy": 0.9932, "sum_accuracy": 0.9916}
    assert mean(test["digit_accuracy"] for test in tests[-7:]) == pytest.approx(0.9922, abs=5e-5)
    assert mean(test["sum_accuracy"] for test in tests[-7:]) == pytest.approx(0.9906, abs=5e-5)
    assert original_records()[0]["train"] == {"digit_accuracy": 0.9344, "sum_accuracy": 0.6947}


def test_only_runs_on_all_of_mnist_are_like_it():
    assert is_like_original(base())
    assert not is_like_original(sample())
    assert not is_like_original(dataclasses.replace(base(), held_out=5000))
