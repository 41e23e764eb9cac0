"""Hostile IDX files: each is read, or refused with one sentence."""

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_sum.data import originals
from mnist_sum.data.idx import read_digits, read_images
from mnist_sum.errors import DataError
from tests import hostile_input
from tests.hostile_input import attempt, damaged, hostile

given_folder = hostile_input.given_folder

MAGICS = {"images": 0x803, "labels": 0x801}


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """Write an IDX file of a few images or labels, with one thing or another wrong, or nothing."""
    kind = draw(st.sampled_from(list(MAGICS)))
    count = draw(st.integers(0, 3))
    sides = (28, 28) if kind == "images" else ()
    content = draw(st.binary(min_size=count, max_size=count)) * (784 if sides else 1)
    if draw(st.booleans()):
        content = bytes(byte % 10 for byte in content)
    header = [MAGICS[kind], count, *sides]
    if draw(st.booleans()):
        header[draw(st.integers(0, len(header) - 1))] = draw(st.integers(0, 2**32 - 1))
    content = struct.pack(f">{len(header)}I", *header) + content
    if draw(st.booleans()):
        content = draw(st.sampled_from([content, content + b"\0", b"\0" + content, content * 2]))
    return content


def zipped(content: bytes) -> bytes:
    """Write an archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("file", content)
    return file.getvalue()


def tarred(content: bytes) -> bytes:
    """Write an archive of one file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


PACKINGS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, zipped, tarred]


@st.composite
def packed_files(draw: st.DrawFn) -> bytes:
    """Pack an IDX file in one way or another, or in several."""
    content = draw(idx_files())
    for index in draw(st.lists(st.integers(0, len(PACKINGS) - 1), max_size=5)):
        content = PACKINGS[index](content)
    return content


@hostile
@given(st.binary() | idx_files() | damaged(idx_files()))
@example(struct.pack(">2I", 0x801, 0))
@example(struct.pack(">4I", 0x803, 0, 28, 28))
@example(struct.pack(">2IB", 0x801, 1, 10))
def test_an_idx_file_is_read_or_refused(content: bytes) -> None:
    for read, shape in ((read_images, (28, 28)), (read_digits, ())):
        array, refusal = attempt(DataError, read, content, Path("file"))
        if not refusal:
            assert array.dtype == np.uint8
            assert array.shape == (len(array), *shape)
            assert len(array) > 0
            assert shape or array.max() <= 9


@hostile
@given(st.binary() | idx_files() | damaged(packed_files()))
def test_a_folder_of_anything_is_searched(given_folder: Path, content: bytes) -> None:
    (given_folder / "file").write_bytes(content)
    remarks = originals.search(originals.files_below(given_folder), {})
    assert len(" ".join(remarks).splitlines()) <= 1
