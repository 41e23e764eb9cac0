"""Batches: which images a step sees, and with which numbers."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Int, Key, UInt8

from mnist_sum.config import NUM_NUMBERS, Config
from mnist_sum.data import Dataset


class Batch(NamedTuple):
    """Images with their digits, and the number that is to be added to each."""

    image: UInt8[Array, "batch 28 28"]
    digit: Int[Array, " batch"]
    number: Int[Array, " batch"]


def draw_numbers(key: Key[Array, ""], count: int) -> Int[Array, " count"]:
    """Draw numbers uniformly from 0..9."""
    return jax.random.randint(key, (count,), 0, NUM_NUMBERS)


def take_batch(dataset: Dataset, rows: Int[Array, " batch"]) -> Batch:
    """Gather the given rows of the dataset, with the numbers drawn once for them."""
    return Batch(dataset.image[rows], dataset.digit[rows], dataset.number[rows])


def draw_batch(
    config: Config, dataset: Dataset, rows: Int[Array, " batch"], key: Key[Array, ""]
) -> Batch:
    """Gather the given rows of the dataset and do to them what the config leaves to chance."""
    batch = take_batch(dataset, rows)
    if config.numbers == "fresh":
        batch = batch._replace(number=draw_numbers(key, len(rows)))
    return batch
