"""IDX, the format of the original MNIST files: a magic number, the dimensions, then bytes.

The format is described at http://yann.lecun.com/exdb/mnist/.
"""

import math
import struct
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mnist_sum.errors import DataError
from mnist_sum.recipe import NUM_DIGITS

IMAGE_SHAPE = (28, 28)
UNSIGNED_BYTE = 0x08


def read_images(content: bytes, path: Path) -> UInt8[np.ndarray, "example 28 28"]:
    """Read a file of images; raise DataError, which names the path, if it is not a whole one."""
    return parse_idx(content, path, IMAGE_SHAPE)


def read_digits(content: bytes, path: Path) -> UInt8[np.ndarray, " example"]:
    """Read a file of labels 0..9; raise DataError, as above."""
    digits = parse_idx(content, path, ())
    if digits.max() >= NUM_DIGITS:
        raise DataError(f"{path} holds the label {digits.max()}, expected labels 0..9.")
    return digits


def parse_idx(
    content: bytes, path: Path, example_shape: tuple[int, ...]
) -> UInt8[np.ndarray, "example ..."]:
    """Return the bytes that follow an IDX header, which must announce them exactly."""
    header = struct.Struct(f">{2 + len(example_shape)}I")
    if len(content) < header.size:
        raise DataError(
            f"{path} has {len(content)} bytes, expected at least the {header.size} of its header."
        )
    magic, count, *found_shape = header.unpack_from(content)
    expected_magic = magic_number(1 + len(example_shape))
    if magic != expected_magic:
        raise DataError(f"{path} has magic number {magic:#010x}, expected {expected_magic:#010x}.")
    if tuple(found_shape) != example_shape:
        raise DataError(
            f"{path} has examples of shape {tuple(found_shape)}, expected {example_shape}."
        )
    if count == 0:
        raise DataError(f"{path} holds no examples, expected at least one.")
    expected_size = header.size + count * math.prod(example_shape)
    if len(content) != expected_size:
        raise DataError(
            f"{path} has {len(content)} bytes, expected {expected_size} for {count} examples."
        )
    return np.frombuffer(content, np.uint8, offset=header.size).reshape(count, *example_shape)


def write_idx(array: UInt8[np.ndarray, "..."]) -> bytes:
    """Write bytes of any shape behind their header."""
    header = struct.pack(f">{1 + array.ndim}I", magic_number(array.ndim), *array.shape)
    return header + array.tobytes()


def magic_number(dimensions: int) -> int:
    """Name the type of the values and the number of dimensions, as the header does."""
    return UNSIGNED_BYTE << 8 | dimensions
