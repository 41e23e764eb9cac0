"""What is in a file, however it is packed: compressed, in an archive, or as an array of numpy."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np

from mnist_sum.data.idx import write_idx

LARGEST = 64 * 2**20  # bytes that are looked at, packed or not; MNIST's largest file has 45 MiB
LAYERS = 4  # of packing in one another
COMPRESSIONS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


def unpack(content: bytes, layers: int = LAYERS) -> Iterator[bytes]:
    """Yield all that is packed in the content of a file, or the content; arrays become IDX files.

    The readers of packed files raise errors of a dozen types for damage.
    """
    if layers == 0:
        raise ValueError(f"packed more than {LAYERS - 1} times")
    if decompress := COMPRESSIONS.get(next(filter(content.startswith, COMPRESSIONS), b"")):
        with decompress(BytesIO(content)) as file:
            yield from unpack(file.read(LARGEST), layers - 1)
    elif content.startswith(b"PK\x03\x04"):
        with ZipFile(BytesIO(content)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    with archive.open(entry) as file:
                        yield from unpack(file.read(LARGEST), layers - 1)
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=BytesIO(content)) as archive:
            for member in archive:
                if inner := archive.extractfile(member):
                    yield from unpack(inner.read(LARGEST), layers - 1)
    elif content.startswith(b"\x93NUMPY"):
        yield write_idx(np.lib.format.read_array(BytesIO(content), allow_pickle=False))
    else:
        yield content
