"""One step of training, from a batch to the next state."""

from functools import partial

import jax
from jax import lax
from jaxtyping import Array, Float, Key

from mnist_sum.errors import InputError
from mnist_sum.inputs import check_examples, check_key, check_training
from mnist_sum.learning.batch import Batch, draw_batch
from mnist_sum.learning.loss import Totals, objective, total
from mnist_sum.learning.model import make_model
from mnist_sum.learning.state import TrainState, follow
from mnist_sum.recipe import Recipe


@partial(jax.jit, static_argnames=("recipe", "axis_name"))
def train_step(
    recipe: Recipe,
    state: TrainState,
    batch: Batch,
    key: Key[Array, ""],
    axis_name: str | None = None,
) -> tuple[TrainState, Totals]:
    """Take one step down the gradient of the batch's mean loss, by the whole recipe.

    The batch is as `take_batch` gives it; numbers, distortions and dropout are drawn by the key.

    Inside jax.pmap or jax.shard_map, `batch` is this device's part and `axis_name` the axis to
    reduce over: gradients, totals and batch-norm statistics are then those of the whole batch.
    Raises InputError for what is no key, for arrays of another shape or dtype than a Batch's, for a
    single image, and for a state of another optimizer.
    """
    check_key("key", key)
    check_examples("batch", batch)
    if len(batch.digit) * (lax.axis_size(axis_name) if axis_name else 1) < 2:
        raise InputError(
            "batch is of one image, expected at least two: batch norm needs a variance."
        )
    check_training(recipe, state)
    draw_key, dropout_key = jax.random.split(key)
    batch = draw_batch(recipe, batch, draw_key, axis_name)
    model = make_model(recipe, axis_name)
    params = state.params
    if axis_name is not None:
        params = lax.pcast(params, axis_name, to="varying")  # differentiate this part's loss only

    def loss(params: dict) -> tuple[Float[Array, ""], tuple[Totals, dict]]:
        outputs, updates = model.apply(
            {"params": params, "batch_stats": state.batch_stats},
            batch.image,
            batch.number,
            train=True,
            rngs={"dropout": dropout_key},
            mutable="batch_stats",
        )
        totals = total(outputs, batch.digit, batch.number)
        return objective(recipe, totals), (totals, updates["batch_stats"])

    gradients, (totals, batch_stats) = jax.grad(loss, has_aux=True)(params)
    if axis_name is not None:
        gradients = lax.pmean(gradients, axis_name)
        totals = lax.psum(totals, axis_name)
    return follow(recipe, state, gradients, batch_stats), totals
