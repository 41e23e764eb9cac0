"""A tiny MNIST, prepared, and the names of its files."""

from pathlib import Path

import pytest

from mnist_sum.data import load
from tests import tiny_mnist

ARRAYS = "arrays.npz"
RECORDS = "mnist_sum-test.array_record-00000-of-00001"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a tiny MNIST in a data folder."""
    tiny_mnist.write_files(tmp_path / "manual")
    tiny_mnist.register(monkeypatch)
    load("mnist", tmp_path / "data", tmp_path / "manual")
    return tmp_path / "data"


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """Name the folder of the prepared files."""
    return data_dir / "mnist_sum" / "1.0.0"


@pytest.fixture
def records_only(folder: Path) -> Path:
    """Remove the arrays that are kept, as if a version before them had prepared the data set."""
    (folder / ARRAYS).unlink()
    return folder
