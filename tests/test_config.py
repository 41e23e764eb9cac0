"""The config: the original's recipe by default, and no value that cannot be run."""

import dataclasses

import pytest

from mnist_sum.config import NUM_SUMS, Config, ConfigError


def test_the_default_is_the_original_recipe():
    config = Config()
    assert (config.epochs, config.batch_size) == (25, 128)
    assert (config.learning_rate, config.momentum, config.dropout_rate) == (0.01, 0.9, 0.01)
    assert (config.digit_weight, config.sum_weight, config.numbers) == (1.0, 1.0, "fixed")


def test_there_are_sums_from_0_to_18():
    assert NUM_SUMS == 19


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().epochs = 3  # type: ignore[misc]


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
    with pytest.raises(ConfigError, match=rf"^{field} is .* and must be .*\.$"):
        Config(**{field: value})


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
    with pytest.raises(ConfigError, match=f"^{field} is {value!r} and must be {expected}\\.$"):
        Config(**{field: value})


def test_a_whole_number_will_do_for_a_fraction():
    assert Config(momentum=0).momentum == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unseen_pairs": True}, "unseen_pairs is True and needs numbers to be 'fresh'"),
        ({"adder": "exact", "label_smoothing": 0.1}, "label_smoothing is 0.1 and must be 0"),
    ],
)
def test_fields_that_do_not_go_together_are_named(fields, message):
    with pytest.raises(ConfigError, match=message):
        Config(**fields)
