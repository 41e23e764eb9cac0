"""The recipe: the original's recipe by default, and no value that cannot be run."""

import dataclasses

import pytest

from experiments.configs import Config, config_of
from mnist_sum.errors import RecipeError
from mnist_sum.recipe import NUM_SUMS, Recipe


def test_the_default_is_the_original_recipe():
    recipe = Recipe()
    assert (Config().epochs, recipe.batch_size) == (25, 128)
    assert (recipe.learning_rate, recipe.momentum, recipe.dropout_rate) == (0.01, 0.9, 0.01)
    assert (recipe.digit_weight, recipe.sum_weight, recipe.numbers) == (1.0, 1.0, "fixed")


def test_there_are_sums_from_0_to_18():
    assert NUM_SUMS == 19


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().momentum = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "cifar"),
        ("numbers", "odd"),
        ("train_examples", 1),
        ("seed", -1),
        ("seed", 2**32),
        ("epochs", 0),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("dropout_rate", 1.0),
        ("dropout_rate", -0.1),
        ("digit_weight", -1.0),
        ("sum_weight", float("inf")),
    ],
)
def test_a_value_out_of_range_is_named_with_what_was_expected(field, value):
    with pytest.raises(RecipeError, match=rf"^{field} is .* and must be .*\.$"):
        config_of({field: value})


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("epochs", 2.0, "a whole number"),
        ("epochs", True, "a whole number"),
        ("learning_rate", "0.1", "a number"),
        ("train_examples", "all", "a whole number or None"),
        ("numbers", None, "'fixed', 'fresh' or 'all'"),
        ("nesterov", 1, "True or False"),
    ],
)
def test_a_value_of_another_type_is_named_too(field, value, expected):
    with pytest.raises(RecipeError, match=f"^{field} is {value!r} and must be {expected}\\.$"):
        config_of({field: value})


def test_a_whole_number_will_do_for_a_fraction():
    assert Recipe(momentum=0).momentum == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unseen_pairs": True}, "unseen_pairs is True and needs numbers to be 'fresh'"),
        ({"adder": "exact", "label_smoothing": 0.1}, "label_smoothing is 0.1 and must be 0"),
    ],
)
def test_fields_that_do_not_go_together_are_named(fields, message):
    with pytest.raises(RecipeError, match=message):
        Recipe(**fields)


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("learning_rat", "A recipe has no field learning_rat; did you mean learning_rate?"),
        ("lr", "A recipe has no field lr; it has numbers, unseen_pairs, "),
    ],
)
def test_a_field_that_does_not_exist_is_named(field, sentence):
    with pytest.raises(RecipeError) as caught:
        Recipe(**{field: 0.1})
    assert str(caught.value).startswith(sentence)


def test_every_field_is_explained():
    for field in dataclasses.fields(Recipe):
        assert f"\n        {field.name}: " in Recipe.__doc__
