"""Seeds that are trained in one program learn what each would learn alone."""

import dataclasses

import chex
import jax
import pytest

from mnist_sum.errors import RecipeError
from mnist_sum.learning.many import begin_epochs, create_states, train_many_steps, zero_tallies
from mnist_sum.learning.state import create_state
from mnist_sum.learning.train import begin_epoch, train_steps, zero_tally
from tests.tiny import EXAMPLES, RECIPE

SEEDS = 2
STEPS = EXAMPLES // RECIPE.batch_size


@pytest.mark.long  # it compiles a program of its own
def test_each_of_two_seeds_is_its_own_training(dataset):
    keys, epoch_keys = (jax.random.split(jax.random.key(key), SEEDS) for key in (1, 2))
    together = create_states(RECIPE, keys), zero_tallies(SEEDS)
    epochs = begin_epochs(epoch_keys, EXAMPLES)
    for bounds in ((0, 1), (1, STEPS)):
        together = train_many_steps(RECIPE, *together, dataset, epochs, bounds)
    for seed in range(SEEDS):
        alone = create_state(RECIPE, keys[seed]), zero_tally()
        epoch = begin_epoch(epoch_keys[seed], EXAMPLES)
        alone = train_steps(RECIPE, *alone, dataset, epoch, (0, STEPS))
        one = jax.tree.map(lambda x, seed=seed: x[seed], together)
        chex.assert_trees_all_close(one, alone, rtol=1e-3, atol=1e-4)
    assert (together[0].step == STEPS).all()


def test_a_schedule_needs_its_length_for_many_seeds_as_for_one():
    recipe = dataclasses.replace(RECIPE, schedule="one_cycle")
    with pytest.raises(RecipeError, match="needs the total_steps"):
        create_states(recipe, jax.random.split(jax.random.key(0), SEEDS))
