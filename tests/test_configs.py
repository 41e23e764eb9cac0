"""The named configs, and what is said of one that makes no sense."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.configs import (
    CONFIGS,
    Config,
    base,
    best,
    command_of,
    list_differences,
    named_config,
    vary,
)
from mnist_sum.errors import RecipeError
from tests.hostile_input import FIELDS, anything, attempt, hostile


def test_configs_are_made_by_name_and_base_is_the_original_recipe():
    assert base() == Config()
    assert all(isinstance(named_config(name), Config) for name in CONFIGS)
    with pytest.raises(RecipeError, match="'bse'; choose one of base, sample, smoke"):
        named_config("bse")


def test_a_command_has_the_options_that_its_name_does_not_imply():
    config = vary(best(), nesterov=False, held_out=5000, learning_rate=0.1)
    first, *options = command_of("best", config).split(" --")
    assert first == "python -m experiments.run"
    assert sorted(options) == ["config best", "held-out 5000", "learning-rate 0.1", "no-nesterov"]
    assert command_of("best", best()) == "python -m experiments.run --config best"


def test_differences_are_named():
    now = {"epochs": 3, "new": 1}
    assert list_differences({"epochs": 3}, now) == list_differences({}, now) == ""
    noted = {"epochs": 5, "numbers": "all"}
    assert list_differences(noted, now) == (
        "epochs was 5 and is 3, numbers was 'all' and is 'unknown'"
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"epochs": None}, "epochs is None but must be a whole number."),
        ({"held_out": -1}, "held_out is -1 but must be at least 0."),
        ({"learning_rate": 10**400}, "... but must be positive and finite."),
        ({"momentum": -(10**5000)}, "momentum is of type int but must be in [0, 1)."),
        ({"seed": list(range(100))}, "seed is [0, 1, 2, 3, "),
        ({"dataset": "a\nb"}, r"dataset is 'a\nb' but must be 'mnist' or 'sample'."),
        ({"epoch": 1}, "A config has no field epoch; did you mean epochs?"),
    ],
)
def test_a_bad_config_is_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    _, refusal = attempt(RecipeError, vary, Config(), **fields)
    assert sentence in refusal
    assert len(refusal) < 160


@hostile
@given(st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
@example({"epochs": -(10**5000)})
@example({"digit_weight": np.zeros((3, 3))})
def test_a_config_works_or_is_refused(fields: dict[str, Any]) -> None:
    config, refusal = attempt(RecipeError, vary, Config(), **fields)
    if refusal:
        assert refusal.startswith(tuple(FIELDS))
    else:
        assert hash(config) == hash(dataclasses.replace(config))
