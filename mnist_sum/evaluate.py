"""Evaluation: every image of a dataset, each with all ten numbers."""

from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding
from jaxtyping import Array, Real

from mnist_sum.batch import all_sums, unseen_number
from mnist_sum.check import check_examples, check_images
from mnist_sum.config import NUM_NUMBERS
from mnist_sum.data import Dataset
from mnist_sum.loss import Totals, total
from mnist_sum.model import Outputs, make_model
from mnist_sum.sharding import keep_replicated, shard_batch
from mnist_sum.state import TrainState

CHUNK = 1000  # images at a time, to bound the memory; both test sets divide by it


def predict_all(
    state: TrainState,
    image: Real[Array | np.ndarray, "batch 28 28"],
    sharding: NamedSharding | None = None,
    chunk: int = CHUNK,
) -> Outputs:
    """Compute the outputs of each image with all ten numbers, so many images at a time.

    The digits' log-probabilities are [batch, 10], the sums' logits [batch, number, 19]. Raises
    InputError for images of another shape or dtype.
    """
    check_images("image", image)
    return _predict_all(state, image, sharding, chunk)


@partial(jax.jit, static_argnames=("sharding", "chunk"))
def _predict_all(
    state: TrainState, image: Real[Array, "batch 28 28"], sharding: NamedSharding | None, chunk: int
) -> Outputs:

    def predict_chunk(image: Real[Array, "chunk 28 28"]) -> Outputs:
        image = shard_batch(image, sharding)
        outputs = make_model(state.config).apply(state.variables, image, method="with_all_numbers")
        return cast(Outputs, outputs)

    whole = len(image) - len(image) % chunk
    chunks = lax.map(predict_chunk, image[:whole].reshape(-1, chunk, 28, 28))
    outputs = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), chunks)
    if whole < len(image):
        rest = predict_chunk(image[whole:])
        outputs = jax.tree.map(lambda *parts: jnp.concatenate(parts), outputs, rest)
    return keep_replicated(outputs, sharding)


def evaluate(state: TrainState, dataset: Dataset, sharding: NamedSharding | None = None) -> Totals:
    """Add up losses and right decisions: one digit an image, and ten sums.

    If the state was trained with `unseen_pairs`, the sums of these are also counted on their own.

    Raises InputError for arrays of another shape or dtype than a Dataset's, and for digits out of
    range in numpy arrays.
    """
    check_examples("dataset", dataset)
    return _evaluate(state, dataset, sharding)


@partial(jax.jit, static_argnames="sharding")
def _evaluate(state: TrainState, dataset: Dataset, sharding: NamedSharding | None) -> Totals:
    outputs = predict_all(state, jnp.asarray(dataset.image), sharding)
    digit = jnp.asarray(dataset.digit)
    sum_ = all_sums(digit)
    totals = total(outputs, digit, sum_)
    if not state.config.unseen_pairs:
        return totals
    unseen = jnp.arange(NUM_NUMBERS)[None] == unseen_number(digit)[:, None]
    correct = unseen & (outputs.sum_logits.argmax(-1) == sum_)
    return totals._replace(unseen_correct=correct.sum(), unseen_count=unseen.sum())
