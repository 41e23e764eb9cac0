"""The numbers that are drawn once, by integers of numpy alone: no setting of JAX changes them.

They are those of `jax.random.randint` with the key `fold_in(key(0), split)`, as JAX draws them by
default. The generator is Threefry-2x32 with 20 rounds: Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", 2011.
"""

import numpy as np
from jaxtyping import Int32, UInt32

from mnist_sum.recipe import NUM_NUMBERS

VERSION = "1.0.0"  # of the data set; other numbers, or another layout, take another
SPLITS = ("train", "test")
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA

Words = UInt32[np.ndarray, "2 count"]


def fixed_numbers(split: str, count: int) -> Int32[np.ndarray, " example"]:
    """Draw the numbers of a split, uniformly from 0..9 and the same at every call."""
    seed = np.zeros((2, 1), np.uint32)
    key = threefry(seed, np.array([[0], [SPLITS.index(split)]], np.uint32))
    high_key, low_key = np.split(threefry(key, counters(2)), 2, axis=1)
    high, low = (np.bitwise_xor(*threefry(key, counters(count))) for key in (high_key, low_key))
    bits = high.astype(np.uint64) << np.uint64(32) | low
    return (bits % np.uint64(NUM_NUMBERS)).astype(np.int32)


def counters(count: int) -> Words:
    """Count from 0 in 64 bits, the upper 32 of them first."""
    return np.stack([np.zeros(count, np.uint32), np.arange(count, dtype=np.uint32)])


def threefry(key: UInt32[np.ndarray, "2 1"], block: Words) -> Words:
    """Encrypt blocks of 64 bits; overflow is part of it."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(PARITY))
    left, right = block[0] + keys[0], block[1] + keys[1]
    for injection in range(1, 6):
        for rotation in ROTATIONS[(injection - 1) % 2]:
            left = left + right
            right = (right << rotation | right >> (32 - rotation)) ^ left
        left = left + keys[injection % 3]
        right = right + keys[(injection + 1) % 3] + np.uint32(injection)
    return np.stack([left, right])
