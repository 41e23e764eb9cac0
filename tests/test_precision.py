"""What is compiled computes what float64 does, for every named config, distortions included."""

import numpy as np
import pytest

from experiments.configs import CONFIGS
from experiments.system.self_check import TOLERANCE, relative_error, step_error, verdict


@pytest.mark.parity
@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_every_config_is_that_of_float64(name):
    assert step_error(CONFIGS[name]().recipe) < TOLERANCE


def test_the_greatest_error_of_any_array_counts():
    expected = {"a": np.array([3.0, 4.0]), "b": np.array([0.0, 2.0])}
    actual = {"a": np.array([3.0, 4.5]), "b": np.array([0.0, 2.0])}
    assert relative_error(actual, expected) == pytest.approx(0.1)
    assert relative_error(expected, expected) == 0
    assert np.isnan(relative_error({"a": np.array([np.nan])}, {"a": np.ones(1)}))


def test_what_is_zero_but_for_rounding_is_held_to_a_share_of_the_whole():
    expected = {"a": np.array([100.0]), "b": np.array([0.0])}
    assert relative_error({"a": expected["a"], "b": np.array([1e-3])}, expected) == pytest.approx(
        1e-3
    )


@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_a_wrong_step_is_said_to_be(error):
    assert "as float32 should be" in verdict(1e-6)
    assert "choose another version" in verdict(error)
