"""Training: one step, and the steps of an epoch in one call."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key, Scalar

from mnist_sum.data import Dataset
from mnist_sum.errors import InputError, RecipeError
from mnist_sum.inputs import check_examples
from mnist_sum.learning.batch import Batch, all_sums, draw_batch
from mnist_sum.learning.loss import Totals, add_totals, total, weighted_mean, zero_totals
from mnist_sum.learning.model import make_model
from mnist_sum.learning.sharding import EVERYWHERE, own_part, split_axis
from mnist_sum.learning.state import TrainState, optimizer
from mnist_sum.recipe import Recipe


@partial(jax.jit, static_argnames=("recipe", "axis_name"))
def train_step(
    recipe: Recipe,
    state: TrainState,
    batch: Batch,
    key: Key[Array, ""],
    axis_name: str | None = None,
) -> tuple[TrainState, Totals]:
    """Take one step down the gradient of the batch's mean loss; the key is for dropout.

    A recipe whose numbers are "all" pairs each image with all ten, whatever the batch's number is.

    Inside jax.pmap or jax.shard_map, `batch` is this device's part and `axis_name` the axis to
    reduce over: gradients, totals and batch-norm statistics are then those of the whole batch.
    Raises InputError for arrays of another shape or dtype than a Batch's, and for a single image.
    """
    check_examples("batch", batch)
    if len(batch.digit) * (lax.axis_size(axis_name) if axis_name else 1) < 2:
        raise InputError(
            "batch is of one image, expected two at least: batch norm needs a variance."
        )
    model = make_model(recipe, axis_name)
    params = state.params
    if axis_name is not None:
        params = lax.pcast(params, axis_name, to="varying")  # differentiate this part's loss only

    def mean_loss(params: dict) -> tuple[Float[Array, ""], tuple[Totals, dict]]:
        apply = partial(
            model.apply,
            {"params": params, "batch_stats": state.batch_stats},
            batch.image,
            train=True,
            rngs={"dropout": key},
            mutable="batch_stats",
        )
        if recipe.numbers == "all":
            outputs, updates = apply(method="with_all_numbers")
            sum_ = all_sums(batch.digit)
        else:
            outputs, updates = apply(batch.number)
            sum_ = batch.digit + batch.number
        totals = total(outputs, batch.digit, sum_, recipe.label_smoothing)
        return weighted_mean(totals, recipe), (totals, updates["batch_stats"])

    gradients, (totals, batch_stats) = jax.grad(mean_loss, has_aux=True)(params)
    if axis_name is not None:
        gradients = lax.pmean(gradients, axis_name)
        totals = lax.psum(totals, axis_name)
    updates, opt_state = optimizer(recipe, state.total_steps).update(
        gradients, state.opt_state, state.params
    )
    return state.replace(
        step=state.step + 1,
        params=optax.apply_updates(state.params, updates),
        batch_stats=batch_stats,
        opt_state=opt_state,
    ), totals


class Epoch(NamedTuple):
    """What chance decides for one pass over the training images."""

    order: Int[Array, " example"]
    example_key: Key[Array, ""]
    """For what is drawn for an image: its number, its distortion."""
    step_key: Key[Array, ""]
    """For what is drawn in a step: dropout."""


@partial(jax.jit, static_argnames="examples")
def begin_epoch(key: Key[Array, ""], examples: int) -> Epoch:
    """Shuffle the images and set keys aside for what is drawn later."""
    order_key, example_key, step_key = jax.random.split(key, 3)
    return Epoch(jax.random.permutation(order_key, examples), example_key, step_key)


def count_steps(recipe: Recipe, examples: int) -> int:
    """Count the steps of an epoch, the one on the short last batch included.

    Raises RecipeError if that batch would hold a single image, which has no variance.
    """
    if examples % recipe.batch_size == 1:
        raise RecipeError(
            f"batch_size is {recipe.batch_size}, which leaves a last batch of one image out of "
            f"{examples}, too few for batch norm; choose another."
        )
    return -(-examples // recipe.batch_size)


class Tally(NamedTuple):
    """What the steps of an epoch add up to."""

    totals: Totals
    finite_steps: Int[Array, ""]
    """Steps up to the first whose loss is not finite."""


def zero_tally() -> Tally:
    """Make the tally of no steps at all."""
    return Tally(zero_totals(), jnp.zeros((), jnp.int32))


def add_step(tally: Tally, step: Totals) -> Tally:
    """Add the totals of a step to those of the steps before."""
    totals = add_totals(tally.totals, step)
    finite = jnp.isfinite(totals.digit_loss) & jnp.isfinite(totals.sum_loss)
    return Tally(totals, tally.finite_steps + finite.astype(jnp.int32))


Bounds = tuple[int | Int[Scalar, ""], int | Int[Scalar, ""]]
Carry = tuple[TrainState, Tally]


@partial(jax.jit, static_argnames=("recipe", "mesh"), donate_argnames=("state", "tally"))
def train_steps(
    recipe: Recipe,
    state: TrainState,
    tally: Tally,
    dataset: Dataset,
    epoch: Epoch,
    bounds: Bounds,
    mesh: Mesh | None = None,
) -> tuple[TrainState, Tally]:
    """Take the steps start .. stop - 1 of an epoch and add to its tally, all in one call.

    The `bounds`, start and stop, are values, not shapes: a part of an epoch runs the same program,
    and gives the same bits, as the whole. `state` and `tally` are donated: use what is returned.
    With a mesh, each of its devices computes its part of every batch. There are seven parameters
    as a call has to say what it follows (recipe, epoch, bounds), changes (state, tally), reads and
    runs on.
    Raises InputError for arrays of another shape or dtype than a Dataset's.
    """
    check_examples("dataset", dataset)
    if len(epoch.order) != len(dataset.digit):
        raise InputError(
            f"epoch is of {len(epoch.order)} images, expected {len(dataset.digit)} as in dataset."
        )
    loop = partial(_loop, recipe, mesh)
    if mesh is not None:
        loop = jax.shard_map(loop, mesh=mesh, in_specs=EVERYWHERE, out_specs=EVERYWHERE)
    return loop((state, tally), dataset, epoch, bounds)


def _loop(
    recipe: Recipe,
    mesh: Mesh | None,
    carry: Carry,
    dataset: Dataset,
    epoch: Epoch,
    bounds: Bounds,
) -> Carry:
    size = recipe.batch_size
    full, rest = divmod(len(epoch.order), size)
    start, stop = bounds

    def step_on(rows: Int[Array, " batch"], step: int | Int[Scalar, ""], carry: Carry) -> Carry:
        state, tally = carry
        axis_name = split_axis(len(rows), mesh)
        batch = draw_batch(recipe, dataset, own_part(rows, axis_name), epoch.example_key)
        key = jax.random.fold_in(epoch.step_key, step)
        state, totals = train_step(recipe, state, batch, key, axis_name)
        return state, add_step(tally, totals)

    def full_step(step: Int[Scalar, ""], carry: Carry) -> Carry:
        return step_on(lax.dynamic_slice_in_dim(epoch.order, step * size, size), step, carry)

    if full:
        carry = lax.fori_loop(start, jnp.minimum(stop, full), full_step, carry)
    if rest:
        last_step = partial(step_on, epoch.order[full * size :], full)
        carry = lax.cond(stop > full, last_step, lambda carry: carry, carry)
    return carry


def train_epoch(
    recipe: Recipe,
    state: TrainState,
    dataset: Dataset,
    key: Key[Array, ""],
    mesh: Mesh | None = None,
) -> tuple[TrainState, Totals]:
    """Pass once over the dataset in a random order; `state` is donated.

    Raises InputError for arrays of another shape or dtype than a Dataset's, and for values out of
    range in numpy arrays.
    """
    check_examples("dataset", dataset)
    examples = len(dataset.digit)
    bounds = 0, count_steps(recipe, examples)
    epoch = begin_epoch(key, examples)
    state, tally = train_steps(recipe, state, zero_tally(), dataset, epoch, bounds, mesh)
    return state, tally.totals
