"""A small stand-in for MNIST: the four files in their own format, of random images."""

import gzip
import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mnist_sum.data import originals
from mnist_sum.data.originals import write_idx

COUNTS = {"train": 30, "test": 20}
NAMES = list(originals.SHA256)
UNREACHABLE = "http://127.0.0.1:9/"  # the discard port, where nothing listens


def arrays(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and the digits of a split."""
    pixels = hashlib.shake_256(split.encode()).digest(COUNTS[split] * 28 * 28)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
    return images, np.arange(COUNTS[split], dtype=np.uint8) * 3 % 10


CONTENTS = dict(zip(NAMES, map(write_idx, arrays("train") + arrays("test")), strict=True))


def write_files(folder: Path, name_of=str, pack=bytes) -> None:
    """Write the four files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENTS.items():
        (folder / name_of(name)).write_bytes(pack(content))


write_packed = partial(write_files, name_of="{}.gz".format, pack=gzip.compress)  # as offered


def write_npz(path: Path) -> None:
    """Write all of it as Keras does."""
    (train, train_digits), (test, test_digits) = map(arrays, COUNTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, x_train=train, y_train=train_digits, x_test=test, y_test=test_digits)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put it in the place of MNIST, where none is found; returns a folder with an empty manual/."""
    for folder in ("here", "manual"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(originals, "SHA256", sha256)
    monkeypatch.setattr(originals, "ADDRESS", UNREACHABLE)
    return tmp_path
