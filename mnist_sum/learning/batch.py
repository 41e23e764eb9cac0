"""Batches: which images a step sees, with which numbers, and how distorted."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, Key, Real

from mnist_sum.data import Dataset
from mnist_sum.inputs import check_examples, check_integers, check_range
from mnist_sum.learning.augment import augment
from mnist_sum.recipe import NUM_NUMBERS, Recipe


class Batch(NamedTuple):
    """Images with their digits, and the number, or numbers, to be added to each."""

    image: Real[Array, "batch 28 28"]
    digit: Int[Array, " batch"]
    number: Int[Array, "batch ..."]


def take_batch(dataset: Dataset, rows: Int[Array | np.ndarray, " batch"]) -> Batch:
    """Gather rows of the dataset, with the numbers that were drawn once for them.

    Raises InputError for arrays of a wrong shape or dtype, and for values out of range in numpy
    arrays; JAX takes the last row for one that is too large.
    """
    check_examples("dataset", dataset)
    check_integers("rows", rows)
    if isinstance(rows, np.ndarray):
        check_range("rows", rows, len(dataset.digit))
    return Batch(*(jnp.asarray(column)[rows] for column in dataset))


def draw_batch(
    recipe: Recipe, batch: Batch, key: Key[Array, ""], axis_name: str | None = None
) -> Batch:
    """Give each image the numbers that the recipe trains it with, and distort it at random.

    What is drawn for an image depends on the key and its place in the whole batch, of which
    `batch` is a device's part where there is an `axis_name`.
    """
    size = len(batch.digit)
    place = jnp.arange(size) + (lax.axis_index(axis_name) * size if axis_name else 0)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, place)
    number_key, augment_key = jax.vmap(jax.random.split, out_axes=1)(keys)
    number = batch.number
    if recipe.unseen_pairs:
        number = jax.vmap(draw_seen_number)(number_key, batch.digit)
    elif recipe.numbers == "fresh":
        number = jax.vmap(draw_number)(number_key)
    elif recipe.numbers == "all":
        number = all_numbers(size)
    return Batch(augment(recipe, augment_key, batch.image), batch.digit, number)


def all_numbers(size: int) -> Int[Array, "batch number"]:
    """Pair every image with each of the ten numbers."""
    return jnp.tile(jnp.arange(NUM_NUMBERS, dtype=jnp.int32), (size, 1))


def sums(
    digit: Int[Array | np.ndarray, " batch"], number: Int[Array | np.ndarray, "batch ..."]
) -> Int[Array, "batch ..."]:
    """Add to each digit its number, or each of its numbers."""
    return jnp.expand_dims(jnp.asarray(digit), tuple(range(1, number.ndim))) + number


def all_sums(digit: Int[Array | np.ndarray, " batch"]) -> Int[Array, "batch number"]:
    """Add each of the ten numbers to every digit."""
    return sums(digit, all_numbers(len(digit)))


def draw_number(key: Key[Array, ""]) -> Int[Array, ""]:
    """Draw a number uniformly from 0..9."""
    return jax.random.randint(key, (), 0, NUM_NUMBERS, jnp.int32)


def draw_seen_number(key: Key[Array, ""], digit: Int[Array, ""]) -> Int[Array, ""]:
    """Draw for a digit uniformly from the nine numbers that training may pair it with."""
    number = jax.random.randint(key, (), 0, NUM_NUMBERS - 1, jnp.int32)
    return jnp.where(number >= unseen_number(digit), number + 1, number)


def unseen_number(digit: Int[Array, "*batch"]) -> Int[Array, "*batch"]:
    """Name the number that a digit is never paired with in training if `unseen_pairs` is set.

    These ten pairs have ten different numbers, and none of their sums is theirs alone: all digits,
    numbers and sums are seen in other pairs.
    """
    return (3 + 7 * digit) % NUM_NUMBERS
