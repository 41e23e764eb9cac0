"""The original's log: the figures that it is known by."""

import dataclasses
from statistics import mean

import pytest

from experiments.configs import base, sample
from experiments.report import original


def test_log_holds_the_figures_that_the_original_reports():
    tests = [record["test"] for record in original.records()]
    assert len(tests) == 25
    assert tests[-1] == pytest.approx({"digit_accuracy": 0.9932, "sum_accuracy": 0.9916})
    assert mean(test["digit_accuracy"] for test in tests[-7:]) == pytest.approx(0.9922, abs=5e-5)
    assert mean(test["sum_accuracy"] for test in tests[-7:]) == pytest.approx(0.9906, abs=5e-5)


def test_only_runs_on_all_of_mnist_are_comparable():
    assert original.is_comparable(base())
    assert not original.is_comparable(sample())
    assert not original.is_comparable(dataclasses.replace(base(), held_out=5000))
