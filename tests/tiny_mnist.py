"""A small stand-in for MNIST: the four files in their own format, of random images."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from mnist_sum.data import originals
from mnist_sum.data.builder import FILES
from mnist_sum.data.idx import write_idx

COUNTS = {"train": 30, "test": 20}
UNREACHABLE = "http://127.0.0.1:9/"  # the discard port, where nothing listens
NAMES = [name for names in FILES.values() for name in names]


def arrays(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and the digits of a split."""
    pixels = hashlib.shake_256(split.encode()).digest(COUNTS[split] * 28 * 28)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
    return images, np.arange(COUNTS[split], dtype=np.uint8) * 3 % 10


def contents() -> dict[str, bytes]:
    """Give the four files by name, nothing packed."""
    pairs = [arrays(split) for split in FILES]
    return dict(zip(NAMES, (write_idx(array) for pair in pairs for array in pair), strict=True))


def sha256() -> dict[str, str]:
    """Give the digests by which the four files are known."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents().items()}


def write_files(folder: Path) -> None:
    """Write the four files as they are offered for download."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def register(monkeypatch: pytest.MonkeyPatch, address: str = UNREACHABLE) -> None:
    """Put them in the place of MNIST's own, with another address."""
    monkeypatch.setattr(originals, "SHA256", sha256())
    monkeypatch.setattr(originals, "ADDRESS", address)
