"""An epoch of training: its steps, in one call or two."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh
from jaxtyping import Array, Int, Key, Scalar

from mnist_sum.data import Dataset
from mnist_sum.errors import InputError, RecipeError
from mnist_sum.inputs import check_examples, check_key, check_training
from mnist_sum.learning.batch import take_batch
from mnist_sum.learning.loss import Totals, add_totals, is_finite, zero_totals
from mnist_sum.learning.sharding import EVERYWHERE, own_part, split_axis
from mnist_sum.learning.state import TrainState
from mnist_sum.learning.step import train_step
from mnist_sum.recipe import Recipe

Step = int | Int[Scalar, ""]


class Epoch(NamedTuple):
    """What chance decides for one pass over the training images."""

    order: Int[Array, " example"]
    key: Key[Array, ""]
    """From which each step folds its own."""


class Part(NamedTuple):
    """The steps start .. stop - 1 of an epoch, whose batches are of one size."""

    batch_size: int
    start: int
    stop: int


class Tally(NamedTuple):
    """What the steps of an epoch add up to."""

    totals: Totals
    finite_steps: Int[Array, ""]
    """Steps up to the first whose loss is not finite."""


def train_epoch(
    recipe: Recipe,
    state: TrainState,
    dataset: Dataset,
    key: Key[Array, ""],
    mesh: Mesh | None = None,
) -> tuple[TrainState, Totals]:
    """Pass once over the dataset in a random order; with a mesh, on all of its devices.

    Raises InputError for what is no key, for arrays of another shape or dtype than a Dataset's, for
    values out of range in numpy arrays, and for a state of another optimizer.
    """
    check_key("key", key)
    check_examples("dataset", dataset)
    check_training(recipe, state)
    examples = len(dataset.digit)
    epoch, tally = begin_epoch(key, examples), zero_tally()
    for size, start, stop in parts_of(recipe, examples):
        bounds = start, stop
        state, tally = _take_steps(recipe, size, state, tally, dataset, epoch, bounds, mesh)
    return state, tally.totals


@partial(jax.jit, static_argnames="examples")
def begin_epoch(key: Key[Array, ""], examples: int) -> Epoch:
    """Shuffle the images and set a key aside for the steps."""
    order_key, steps_key = jax.random.split(key)
    return Epoch(jax.random.permutation(order_key, examples), steps_key)


def parts_of(recipe: Recipe, examples: int) -> list[Part]:
    """Divide an epoch into its whole batches, and the shorter one that may be left.

    Raises RecipeError if that would hold a single image, which has no variance.
    """
    whole, rest = divmod(examples, recipe.batch_size)
    if rest == 1:
        raise RecipeError(
            f"batch_size is {recipe.batch_size}, which leaves a last batch of one image out of "
            f"{examples}, too few for batch norm; choose another."
        )
    parts = [Part(recipe.batch_size, 0, whole), Part(rest, whole, whole + 1)]
    return [part for part in parts if part.batch_size and part.start < part.stop]


def count_steps(recipe: Recipe, examples: int) -> int:
    """Count the steps of an epoch; raises RecipeError as `parts_of` does."""
    return parts_of(recipe, examples)[-1].stop


def zero_tally() -> Tally:
    """Make the tally of no steps at all."""
    return Tally(zero_totals(), jnp.zeros((), jnp.int32))


def take_steps(
    recipe: Recipe,
    batch_size: int,
    state: TrainState,
    tally: Tally,
    dataset: Dataset,
    epoch: Epoch,
    bounds: tuple[Step, Step],
    mesh: Mesh | None = None,
) -> tuple[TrainState, Tally]:
    """Take the steps start .. stop - 1 of a part of an epoch, and add to its tally.

    The `bounds`, start and stop, are values, not shapes: some of a part's steps run the same
    program, and give the same bits, as all of them. With a mesh, each of its devices computes its
    part of every batch. Raises InputError for arrays of another shape or dtype than a Dataset's.
    """
    check_examples("dataset", dataset)
    if len(epoch.order) != len(dataset.digit):
        raise InputError(
            f"epoch is of {len(epoch.order)} images, expected {len(dataset.digit)} as in dataset."
        )
    axis_name = split_axis(batch_size, mesh)

    def loop(
        state: TrainState, tally: Tally, dataset: Dataset, epoch: Epoch, start: Step, stop: Step
    ) -> tuple[TrainState, Tally]:
        def step_on(step: Step, carry: tuple[TrainState, Tally]) -> tuple[TrainState, Tally]:
            state, (totals, finite_steps) = carry
            rows = lax.dynamic_slice_in_dim(epoch.order, step * recipe.batch_size, batch_size)
            batch = take_batch(dataset, own_part(rows, axis_name))
            key = jax.random.fold_in(epoch.key, step)
            state, of_step = train_step(recipe, state, batch, key, axis_name)
            totals = add_totals(totals, of_step)
            return state, Tally(totals, finite_steps + is_finite(totals))

        return lax.fori_loop(start, stop, step_on, (state, tally))

    if mesh is not None:
        loop = jax.shard_map(loop, mesh=mesh, in_specs=EVERYWHERE, out_specs=EVERYWHERE)
    return loop(state, tally, dataset, epoch, *bounds)


STATIC = ("recipe", "batch_size", "mesh")
_take_steps = jax.jit(take_steps, static_argnames=STATIC)
train_steps = jax.jit(take_steps, static_argnames=STATIC, donate_argnames=("state", "tally"))
"""`take_steps` in one call that donates `state` and `tally`: use what it returns."""
