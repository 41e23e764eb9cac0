"""IDX, the format of the original MNIST files: a magic number, the dimensions, then bytes, gzipped.

The format is described at http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mnist_sum.recipe import NUM_DIGITS

IMAGE_SHAPE = (28, 28)
UNSIGNED_BYTE = 0x08


class DataError(Exception):
    """Data that is missing, damaged or not what it should be; the message is one sentence."""


def read_images(path: Path) -> UInt8[np.ndarray, "example 28 28"]:
    """Read a file of images; raise DataError for anything but a whole one."""
    return parse_idx(_decompress(path), path, IMAGE_SHAPE)


def read_digits(path: Path) -> UInt8[np.ndarray, " example"]:
    """Read a file of labels 0..9; raise DataError for anything but a whole one."""
    digits = parse_idx(_decompress(path), path, ())
    if digits.max() >= NUM_DIGITS:
        raise DataError(f"{path} holds the label {digits.max()}, expected labels 0..9.")
    return digits


def parse_idx(
    content: bytes, path: Path, example_shape: tuple[int, ...]
) -> UInt8[np.ndarray, "example ..."]:
    """Return the bytes that follow an IDX header, which must announce them exactly.

    The path is for the messages of DataError only.
    """
    header = struct.Struct(f">{2 + len(example_shape)}I")
    if len(content) < header.size:
        raise DataError(
            f"{path} has {len(content)} bytes, expected at least the {header.size} of its header."
        )
    magic, count, *found_shape = header.unpack_from(content)
    expected_magic = UNSIGNED_BYTE << 8 | 1 + len(example_shape)
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


def _decompress(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be decompressed: {error}.") from error
