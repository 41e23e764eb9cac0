"""Training: one step, and the steps of an epoch in one call."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import NamedSharding
from jaxtyping import Array, Float, Int, Key, Scalar

from mnist_sum.batch import Batch, all_sums, draw_batch
from mnist_sum.check import InputError, check_examples
from mnist_sum.config import Config, ConfigError
from mnist_sum.data import Dataset
from mnist_sum.loss import Totals, add_step, total, weighted_mean, zero_totals
from mnist_sum.model import make_model
from mnist_sum.sharding import keep_replicated, shard_batch
from mnist_sum.state import TrainState, optimizer


@partial(jax.jit, static_argnames="axis_name")
def train_step(
    state: TrainState, batch: Batch, key: Key[Array, ""], axis_name: str | None = None
) -> tuple[TrainState, Totals]:
    """Take one step down the gradient of the batch's mean loss; the key is for dropout.

    A config whose numbers are "all" pairs each image with all ten, whatever the batch's number is.

    Inside jax.pmap or jax.shard_map, `batch` is this device's part and `axis_name` the axis to
    reduce over: gradients, totals and batch-norm statistics are then those of the whole batch.
    Raises InputError for arrays of another shape or dtype than a Batch's, and for a single image.
    """
    check_examples("batch", batch)
    if len(batch.digit) * (lax.axis_size(axis_name) if axis_name else 1) < 2:
        raise InputError(
            "batch is of one image, expected two at least: batch norm needs a variance."
        )
    config = state.config
    model = make_model(config, axis_name)
    params = state.params
    if axis_name is not None:
        key = jax.random.fold_in(key, lax.axis_index(axis_name))
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
        if config.numbers == "all":
            outputs, updates = apply(method="with_all_numbers")
            sum_ = all_sums(batch.digit)
        else:
            outputs, updates = apply(batch.number)
            sum_ = batch.digit + batch.number
        totals = total(outputs, batch.digit, sum_, config.label_smoothing)
        return weighted_mean(totals, config), (totals, updates["batch_stats"])

    gradients, (totals, batch_stats) = jax.grad(mean_loss, has_aux=True)(params)
    if axis_name is not None:
        gradients = lax.pmean(gradients, axis_name)
        totals = lax.psum(totals, axis_name)
    updates, opt_state = optimizer(config, state.total_steps).update(
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
    key: Key[Array, ""]


@partial(jax.jit, static_argnames="examples")
def begin_epoch(key: Key[Array, ""], examples: int) -> Epoch:
    """Shuffle the images and set a key aside for what the steps draw."""
    order_key, steps_key = jax.random.split(key)
    return Epoch(jax.random.permutation(order_key, examples), steps_key)


def count_steps(config: Config, examples: int) -> int:
    """Count the steps of an epoch, the one on the short last batch included.

    Raises ConfigError if that batch would hold a single image, which has no variance.
    """
    if examples % config.batch_size == 1:
        raise ConfigError(
            f"batch_size is {config.batch_size}, which leaves a last batch of one image out of "
            f"{examples}, too few for batch norm; choose another."
        )
    return -(-examples // config.batch_size)


@partial(jax.jit, static_argnames="sharding", donate_argnames=("state", "totals"))
def train_steps(
    state: TrainState,
    totals: Totals,
    dataset: Dataset,
    epoch: Epoch,
    start: int | Int[Scalar, ""],
    stop: int | Int[Scalar, ""],
    sharding: NamedSharding | None = None,
) -> tuple[TrainState, Totals]:
    """Take the steps start .. stop - 1 of an epoch and add to its totals, all in one call.

    The bounds are values, not shapes: a part of an epoch runs the same program, and gives the
    same bits, as the whole. `state` and `totals` are donated: use what is returned instead.
    Raises InputError for arrays of another shape or dtype than a Dataset's.
    """
    check_examples("dataset", dataset)
    if len(epoch.order) != len(dataset.digit):
        raise InputError(
            f"epoch is of {len(epoch.order)} images, expected {len(dataset.digit)} as in dataset."
        )
    size = state.config.batch_size
    full, rest = divmod(len(epoch.order), size)

    def step_on(
        rows: Int[Array, " batch"], step: int | Int[Scalar, ""], carry: tuple[TrainState, Totals]
    ) -> tuple[TrainState, Totals]:
        state, totals = carry
        batch_key, dropout_key = jax.random.split(jax.random.fold_in(epoch.key, step))
        batch = shard_batch(draw_batch(state.config, dataset, rows, batch_key), sharding)
        state, step_totals = train_step(state, batch, dropout_key)
        return state, add_step(totals, step_totals)

    def full_step(
        step: Int[Scalar, ""], carry: tuple[TrainState, Totals]
    ) -> tuple[TrainState, Totals]:
        return step_on(lax.dynamic_slice_in_dim(epoch.order, step * size, size), step, carry)

    carry = state, totals
    if full:
        carry = lax.fori_loop(start, jnp.minimum(stop, full), full_step, carry)
    if rest:
        last_step = partial(step_on, epoch.order[full * size :], full)
        carry = lax.cond(stop > full, last_step, lambda carry: carry, carry)
    return keep_replicated(carry, sharding)


def train_epoch(
    state: TrainState, dataset: Dataset, key: Key[Array, ""], sharding: NamedSharding | None = None
) -> tuple[TrainState, Totals]:
    """Pass once over the dataset in a random order; `state` is donated.

    Raises InputError for arrays of another shape or dtype than a Dataset's, and for values out of
    range in numpy arrays.
    """
    check_examples("dataset", dataset)
    examples = len(dataset.digit)
    steps = count_steps(state.config, examples)
    epoch = begin_epoch(key, examples)
    return train_steps(state, zero_totals(), dataset, epoch, 0, steps, sharding)
