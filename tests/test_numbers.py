"""The numbers that are drawn once: what they are, and that no setting of JAX changes them."""

import hashlib

import jax
import numpy as np
import pytest

from mnist_sum.data.dataset import fixed_numbers


@pytest.mark.parametrize(
    ("split", "count", "first", "sha256"),
    [
        ("train", 60_000, [1, 1, 7, 7, 6, 4, 7, 7, 3, 0], "bf2a2fdf90e70e92ca2e4fee63006561"),
        ("test", 10_000, [2, 2, 6, 5, 1, 7, 2, 0, 5, 6], "f31af3faf56a73b2a1b9060ad1d28925"),
    ],
)
def test_numbers_are_drawn_once_and_for_all(
    split: str, count: int, first: list[int], sha256: str
) -> None:
    """A change here is a change of the data set: it takes a new VERSION and a new sample."""
    numbers = fixed_numbers(split, count)
    assert numbers.dtype == np.int32
    assert numbers[:10].tolist() == first
    assert hashlib.sha256(numbers.astype(np.uint8).tobytes()).hexdigest().startswith(sha256)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("jax_default_prng_impl", "rbg"),
        ("jax_threefry_partitionable", False),
        ("jax_random_seed_offset", 7),
        ("jax_enable_x64", True),
        ("jax_disable_jit", True),
        ("jax_transfer_guard", "disallow"),
        ("jax_numpy_dtype_promotion", "strict"),
    ],
)
def test_no_setting_of_jax_changes_a_number(setting: str, value: object) -> None:
    before = getattr(jax.config, setting)
    jax.config.update(setting, value)
    try:
        assert fixed_numbers("train", 8).tolist() == [1, 1, 7, 7, 6, 4, 7, 7]
        assert fixed_numbers("test", 8).tolist() == [2, 2, 6, 5, 1, 7, 2, 0]
    finally:
        jax.config.update(setting, before)
