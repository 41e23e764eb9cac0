"""Batches: which images a step sees, and with which numbers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, Real

from mnist_sum.data import Dataset
from mnist_sum.inputs import check_examples, check_integers, check_range
from mnist_sum.learning.augment import augment
from mnist_sum.recipe import NUM_NUMBERS, Recipe


class Batch(NamedTuple):
    """Images with their digits, and the number that is to be added to each."""

    image: Real[Array, "batch 28 28"]
    digit: Int[Array, " batch"]
    number: Int[Array, " batch"]


def draw_number(key: Key[Array, ""]) -> Int[Array, ""]:
    """Draw a number uniformly from 0..9."""
    return jax.random.randint(key, (), 0, NUM_NUMBERS, jnp.int32)


def unseen_number(digit: Int[Array, "*batch"]) -> Int[Array, "*batch"]:
    """Name the number that a digit is never paired with in training if `unseen_pairs` is set.

    These ten pairs have ten different numbers, and none of their sums is theirs alone: all digits,
    numbers and sums are seen in other pairs.
    """
    return (3 + 7 * digit) % NUM_NUMBERS


def draw_seen_number(key: Key[Array, ""], digit: Int[Array, ""]) -> Int[Array, ""]:
    """Draw for a digit uniformly from the nine numbers that training may pair it with."""
    number = jax.random.randint(key, (), 0, NUM_NUMBERS - 1, jnp.int32)
    return jnp.where(number >= unseen_number(digit), number + 1, number)


def all_sums(digit: Int[Array | np.ndarray, " batch"]) -> Int[Array, "batch number"]:
    """Add each of the ten numbers to every digit."""
    digit = jnp.asarray(digit)
    return digit[:, None] + jnp.arange(NUM_NUMBERS, dtype=digit.dtype)[None]


def take_batch(dataset: Dataset, rows: Int[Array | np.ndarray, " batch"]) -> Batch:
    """Gather the given rows of the dataset, with the numbers drawn once for them.

    Raises InputError for arrays of a wrong shape or dtype, and for values out of range in numpy
    arrays; JAX takes the last row for one that is too large.
    """
    check_examples("dataset", dataset)
    check_integers("rows", rows)
    if isinstance(rows, np.ndarray):
        check_range("rows", rows, len(dataset.digit))
    return Batch(dataset.image[rows], dataset.digit[rows], dataset.number[rows])


def draw_batch(
    recipe: Recipe,
    dataset: Dataset,
    rows: Int[Array | np.ndarray, " batch"],
    key: Key[Array, ""],
) -> Batch:
    """Gather the given rows of the dataset and do to them what the recipe leaves to chance.

    The key is the epoch's: what is drawn for an image depends on it and on the image's row alone,
    not on the batch that it is in, nor on how many devices share that batch.
    Raises InputError as `take_batch` does.
    """
    batch = take_batch(dataset, rows)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.asarray(rows))
    number_key, augment_key = jax.vmap(jax.random.split, out_axes=1)(keys)
    if recipe.unseen_pairs:
        number = jax.vmap(draw_seen_number)(number_key, jnp.asarray(batch.digit))
        batch = batch._replace(number=number)
    elif recipe.numbers == "fresh":
        batch = batch._replace(number=jax.vmap(draw_number)(number_key))
    return batch._replace(image=augment(recipe, augment_key, jnp.asarray(batch.image)))
