"""IDX files: read when whole, refused with one sentence when not."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_sum.data.idx import parse_idx, read_digits, read_images, write_idx
from mnist_sum.errors import DataError

IMAGES = struct.pack(">4I", 0x803, 2, 28, 28) + bytes(range(256)) * 6 + bytes(32)
DIGITS = struct.pack(">2I", 0x801, 3) + bytes([5, 0, 9])
NOWHERE = Path("nowhere")


def test_images_are_read_row_by_row() -> None:
    images = read_images(IMAGES, NOWHERE)
    assert images.shape == (2, 28, 28)
    assert images.dtype == np.uint8
    assert images[0, 0, :3].tolist() == [0, 1, 2]
    assert images[0, 1, 0] == 28
    assert images[1, 0, 0] == 28 * 28 % 256


def test_digits_are_read() -> None:
    assert read_digits(DIGITS, NOWHERE).tolist() == [5, 0, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, expected at least the 16 of its header."),
        (IMAGES[:15], "has 15 bytes, expected at least the 16 of its header."),
        (DIGITS + bytes(9), "has magic number 0x00000801, expected 0x00000803."),
        (
            struct.pack(">4I", 0x803, 2, 28, 29) + IMAGES[16:],
            "has examples of shape (28, 29), expected (28, 28).",
        ),
        (struct.pack(">4I", 0x803, 0, 28, 28), "holds no examples, expected at least one."),
        (IMAGES[:-1], "has 1583 bytes, expected 1584 for 2 examples."),
        (IMAGES + b"\0", "has 1585 bytes, expected 1584 for 2 examples."),
        (
            struct.pack(">4I", 0x803, 2**32 - 1, 28, 28) + IMAGES[16:],
            "has 1584 bytes, expected 3367254359296 for 4294967295 examples.",
        ),
    ],
)
def test_a_malformed_image_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_images(content, NOWHERE)
    assert str(caught.value) == f"nowhere {message}"


def test_a_label_above_nine_is_refused() -> None:
    with pytest.raises(DataError, match=r"holds the label 10, expected labels 0\.\.9\."):
        read_digits(DIGITS[:-1] + b"\x0a", NOWHERE)


@given(st.integers(0, 7), st.integers(1, 255))
def test_no_byte_of_the_header_may_differ(position: int, change: int) -> None:
    content = bytearray(DIGITS)
    content[position] ^= change
    with pytest.raises(DataError):
        parse_idx(bytes(content), NOWHERE, ())


@given(st.binary(max_size=64) | st.binary(max_size=8).map(lambda tail: DIGITS + tail))
def test_bytes_are_refused_unless_they_are_a_whole_file(content: bytes) -> None:
    whole = content[:4] == DIGITS[:4] and content[4:8] == struct.pack(">I", len(content) - 8)
    if whole and len(content) > 8:
        assert parse_idx(content, NOWHERE, ()).tobytes() == content[8:]
    else:
        with pytest.raises(DataError):
            parse_idx(content, NOWHERE, ())


def test_what_is_written_is_read() -> None:
    images, digits = read_images(IMAGES, NOWHERE), read_digits(DIGITS, NOWHERE)
    assert write_idx(images) == IMAGES
    assert write_idx(digits) == DIGITS
