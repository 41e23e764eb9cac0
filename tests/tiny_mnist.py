"""A small stand-in for MNIST: the four files in their own format, of random images."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
from tensorflow_datasets.core.download.checksums import UrlInfo, compute_url_info

from mnist_sum.data.builder import SOURCES

COUNTS = {"train": 30, "test": 20}
UNREACHABLE = "http://127.0.0.1:9"  # the discard port, where nothing listens


def arrays(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and the digits of a split."""
    pixels = hashlib.shake_256(split.encode()).digest(COUNTS[split] * 28 * 28)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
    return images, np.arange(COUNTS[split], dtype=np.uint8) * 3 % 10


def idx(array: np.ndarray) -> bytes:
    """Write an array of bytes as IDX, without compression."""
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
    return header + array.tobytes()


def write_files(folder: Path) -> dict[str, UrlInfo]:
    """Write the four files and register them."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, names in SOURCES.items():
        for name, array in zip(names, arrays(split), strict=True):
            (folder / name).write_bytes(gzip.compress(idx(array)))
    return url_infos(folder)


def url_infos(folder: Path, host: str = UNREACHABLE) -> dict[str, UrlInfo]:
    """Give address, size and SHA-256 of the files of a folder, as they are now."""
    names = [name for pair in SOURCES.values() for name in pair]
    return {f"{host}/{name}": compute_url_info(folder / name) for name in names}
