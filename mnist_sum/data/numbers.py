"""The numbers that are drawn once, for all images of MNIST."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32

from mnist_sum.recipe import NUM_NUMBERS

SPLITS = ("train", "test")


def fixed_numbers(split: str, count: int) -> Int32[np.ndarray, " example"]:
    """Draw the numbers of a split, uniformly from 0..9: the same under all settings of JAX.

    Other numbers would make another version of the data set, and another sample.
    """
    with jax.threefry_partitionable(True), jax.transfer_guard("allow"):
        seed = jax.random.wrap_key_data(jnp.zeros(2, np.uint32), impl="threefry2x32")
        key = jax.random.fold_in(seed, SPLITS.index(split))
        return np.array(jax.random.randint(key, (count,), 0, NUM_NUMBERS, np.int32))
