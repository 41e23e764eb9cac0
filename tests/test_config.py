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
