"""Folders in which no file of MNIST lies, for tests that say themselves where some do."""

from pathlib import Path

import pytest

from tests import tiny_mnist


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder, with a home, that are empty, and with a tiny MNIST for the real one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    tiny_mnist.register(monkeypatch)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Name a data folder that does not exist yet."""
    return tmp_path / "data"
