"""The recipe: the original's recipe by default, and no value that cannot be run."""

import dataclasses
import inspect
import re

import pytest

from experiments.configs import Config, vary
from mnist_sum.errors import RecipeError
from mnist_sum.recipe import NUM_SUMS, Recipe


def test_the_default_is_the_original_recipe():
    recipe = Recipe()
    assert (Config().epochs, recipe.batch_size) == (25, 128)
    assert (recipe.learning_rate, recipe.momentum, recipe.dropout_rate) == (0.01, 0.9, 0.01)
    assert (recipe.digit_weight, recipe.sum_weight, recipe.numbers) == (1.0, 1.0, "fixed")
    assert Recipe(momentum=0).momentum == 0  # a whole number will do for a fraction
    assert NUM_SUMS == 19
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.momentum = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("dataset", "cifar", ".*"),
        ("numbers", "odd", ".*"),
        *(("seed", value, ".*") for value in (-1, 2**32)),
        *((field, 1, ".*") for field in ("train_examples", "batch_size")),
        ("epochs", 0, ".*"),
        *(("learning_rate", value, ".*") for value in (0.0, float("nan"))),
        *((field, 1.0, ".*") for field in ("momentum", "dropout_rate")),
        *((field, -0.1, ".*") for field in ("dropout_rate", "digit_weight")),
        ("sum_weight", float("inf"), ".*"),
        ("epochs", 2.0, "a whole number"),
        ("epochs", True, "a whole number"),
        ("learning_rate", "0.1", "a number"),
        ("train_examples", "all", "a whole number or None"),
        ("numbers", None, "'fixed', 'fresh' or 'all'"),
        ("nesterov", 1, "True or False"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_was_expected(field, value, expected):
    with pytest.raises(RecipeError, match=f"^{field} is {value!r} but must be {expected}\\.$"):
        vary(Config(), **{field: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unseen_pairs": True}, "unseen_pairs needs numbers to be 'fresh'"),
        ({"learning_rat": 0.1}, "A recipe has no field learning_rat; did you mean learning_rate?"),
        ({"lr": 0.1}, "A recipe has no field lr; it has numbers, unseen_pairs, "),
    ],
)
def test_fields_that_do_not_exist_or_go_together_are_named(fields, message):
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}"):
        Recipe(**fields)


def test_every_field_is_explained():
    for field in dataclasses.fields(Recipe):
        assert f"\n    {field.name}: " in inspect.getdoc(Recipe)
