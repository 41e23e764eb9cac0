"""Many seeds in one program: what keeps a GPU busy that a single small network cannot."""

from functools import partial
from inspect import unwrap

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from mnist_sum.data import Dataset
from mnist_sum.learning.state import TrainState, create_state
from mnist_sum.learning.train import Bounds, Epoch, Tally, begin_epoch, train_steps, zero_tally
from mnist_sum.recipe import Recipe


def create_states(
    recipe: Recipe, keys: Key[Array, " seed"], total_steps: int | None = None
) -> TrainState:
    """Draw initial weights for every seed: a state whose arrays have the seed as first axis.

    Raises RecipeError if a schedule lacks `total_steps`.
    """
    return jax.vmap(partial(create_state, recipe, total_steps=total_steps))(keys)


def begin_epochs(keys: Key[Array, " seed"], examples: int) -> Epoch:
    """Shuffle the images for every seed."""
    return jax.vmap(partial(begin_epoch, examples=examples))(keys)


def zero_tallies(seeds: int) -> Tally:
    """Make the tally of no steps for every seed."""
    return jax.tree.map(lambda x: jnp.zeros((seeds, *x.shape), x.dtype), zero_tally())


@partial(jax.jit, static_argnames="recipe", donate_argnames=("states", "tallies"))
def train_many_steps(
    recipe: Recipe,
    states: TrainState,
    tallies: Tally,
    dataset: Dataset,
    epochs: Epoch,
    bounds: Bounds,
) -> tuple[TrainState, Tally]:
    """Take the same steps of an epoch for every seed; each learns what it would learn alone.

    Seeds lie along the first axis of all arrays but the dataset's, which they share. `states` and
    `tallies` are donated. The choice between one batch of all seeds (`vmap`) and one seed after the
    other in every call (`lax.map`) is made here: `vmap` launches a step's kernels once for all.
    """
    train = partial(unwrap(train_steps), recipe)
    return jax.vmap(train, in_axes=(0, 0, None, 0, None))(states, tallies, dataset, epochs, bounds)
