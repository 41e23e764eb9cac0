"""What is compiled computes what float64 does, for every named config, distortions included."""

import numpy as np
import pytest

from experiments.configs import CONFIGS
from experiments.system import self_check


@pytest.mark.parity
@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_every_config_is_that_of_float64(name):
    assert self_check.step_error(CONFIGS[name]().recipe) < self_check.TOLERANCE


@pytest.mark.parametrize(
    ("actual", "expected", "error"),
    [
        (([3.0, 4.5], [0.0, 2.0]), ([3.0, 4.0], [0.0, 2.0]), 0.1),
        (([3.0, 4.0], [0.0, 2.0]), ([3.0, 4.0], [0.0, 2.0]), 0.0),
        (([100.0], [1e-3]), ([100.0], [0.0]), 1e-3),  # zero but for rounding: a share of all
        (([np.nan],), ([1.0],), np.nan),
    ],
)
def test_the_greatest_error_of_any_array_counts(actual, expected, error):
    assert self_check.relative_error(
        [*map(np.array, actual)], [*map(np.array, expected)]
    ) == pytest.approx(error, nan_ok=True)


@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_a_wrong_step_is_said_to_be(monkeypatch, error):
    for value, words in ((1e-6, "as float32 should be"), (error, "choose another version")):
        monkeypatch.setattr(self_check, "step_error", lambda _, value=value: value)
        assert words in self_check.check_step(CONFIGS["base"]().recipe)
