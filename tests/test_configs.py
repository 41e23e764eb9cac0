"""The named configs."""

import pytest

from experiments.configs import CONFIGS, Config, base, best, command_of, named_config, vary
from mnist_sum.errors import RecipeError


def test_base_is_the_original_recipe():
    assert base() == Config()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_is_made_by_name_and_says_how_it_is_run(name):
    assert isinstance(named_config(name), Config)
    assert f"python -m experiments.run --config {name}" in (CONFIGS[name].__doc__ or "")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(RecipeError, match="'bse'; choose one of base, sample, smoke"):
        named_config("bse")


def test_a_command_has_the_options_that_its_name_does_not_imply():
    config = vary(best(), nesterov=False, held_out=5000, learning_rate=0.1)
    first, *options = command_of("best", config).split(" --")
    assert first == "python -m experiments.run"
    assert sorted(options) == ["config best", "held-out 5000", "learning-rate 0.1", "no-nesterov"]
    assert command_of("best", best()) == "python -m experiments.run --config best"
