"""Hostile configs and command lines: each works, or is refused with one sentence."""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.configs import Config, config_of
from experiments.system.arguments import ConfigOptions, parse
from mnist_sum.errors import RecipeError, UsageError
from tests import hostile_input
from tests.hostile_input import FIELDS, anything, attempt, hostile

given_folder = hostile_input.given_folder


@hostile
@given(st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
@example({"learning_rate": 10**400})
@example({"epochs": -(10**5000)})
@example({"digit_weight": np.zeros((3, 3))})
def test_a_config_works_or_is_refused(fields: dict[str, Any]) -> None:
    config, refusal = attempt(RecipeError, config_of, fields)
    if refusal:
        assert refusal.startswith(tuple(FIELDS))
    else:
        assert hash(config) == hash(dataclasses.replace(config))


OPTIONS = [f"--{name.replace('_', '-')}" for name in FIELDS]
OPTIONS += ["--config", "--data-dir", "--manual-dir", "--no-nesterov", "--help", "-h", "--", "-"]
VALUES = ["3", "-1", "nan", "inf", "1e999", "9" * 5000, "", "None", "sample", "smoke", "a\nb"]
words = st.sampled_from(OPTIONS) | st.sampled_from(VALUES) | st.text(max_size=5)
pairs = st.builds("{}={}".format, st.sampled_from(OPTIONS), st.sampled_from(VALUES) | st.text())


@hostile
@given(st.lists(words | pairs, max_size=5))
@example(["--config=--"])
@example(["--learning-rate", "9" * 400])
def test_a_command_line_is_parsed_or_refused(line: list[str]) -> None:
    try:
        parsed, refusal = attempt((UsageError, RecipeError), parse, ConfigOptions, "run", line)
    except SystemExit as stop:
        parsed, refusal = stop.code, ""
    assert refusal or parsed == 0 or isinstance(parsed[1].config, Config)
    assert refusal or parsed != 0 or {"--help", "-h"} & set(line)
