"""The TFDS builder: prepared whole, or not at all and with one sentence."""

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow_datasets.core.utils import gcs_utils

from mnist_sum.data import load
from mnist_sum.data.builder import MnistSumBuilder
from mnist_sum.data.numbers import fixed_numbers
from mnist_sum.errors import DataError
from tests import tiny_mnist
from tests.tiny_mnist import NAMES

SLOW_LOAD = """
import sys, time
from mnist_sum.data import load, originals
from mnist_sum.data.builder import MnistSumBuilder
from tests import tiny_mnist

def generate_slowly(*args):
    print("writing", file=sys.__stdout__, flush=True)
    time.sleep(float(seconds))
    yield from generate_examples(*args)

data_dir, manual_dir, seconds = sys.argv[1:]
generate_examples = MnistSumBuilder._generate_examples
MnistSumBuilder._generate_examples = generate_slowly
originals.SHA256 = tiny_mnist.sha256()
load("mnist", data_dir, manual_dir)
print("loaded")
"""


@pytest.fixture
def manual_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill a manual folder with a tiny MNIST, registered in place of the real one."""
    folder = tmp_path / "manual"
    tiny_mnist.write_files(folder)
    tiny_mnist.register(monkeypatch)
    monkeypatch.setattr(gcs_utils, "is_dataset_on_gcs", lambda _: pytest.fail("goes online"))
    return folder


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Name a data folder that does not exist yet."""
    return tmp_path / "data"


def start_load(tmp_path: Path, seconds_to_write: float) -> subprocess.Popen[str]:
    """Load the tiny MNIST in a process of its own, which takes its time to write each split."""
    paths = [tmp_path / name for name in ("data", "manual")]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_LOAD, *map(str, paths), str(seconds_to_write)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )


def wait_until_writing(process: subprocess.Popen[str]) -> None:
    """Wait until a process has begun to write the data set."""
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"


def files_in(folder: Path) -> set[str]:
    """Name all files below a folder, but for the lock."""
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return paths - {"downloads/mnist_sum.lock"}


def test_preparing_needs_no_tensorflow_and_says_nothing(
    data_dir: Path, manual_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    splits = load("mnist", data_dir, manual_dir)
    for split, dataset in splits._asdict().items():
        images, digits = tiny_mnist.arrays(split)
        np.testing.assert_array_equal(dataset.image, images)
        np.testing.assert_array_equal(dataset.digit, digits)
        np.testing.assert_array_equal(dataset.number, fixed_numbers(split, len(images)))
    assert "tensorflow" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_files_are_found_in_the_manual_folder_of_tfds(data_dir: Path, manual_dir: Path) -> None:
    (data_dir / "downloads").mkdir(parents=True)
    manual_dir.rename(data_dir / "downloads" / "manual")
    assert len(load("mnist", data_dir).train.image) == 30


def test_packed_and_named_otherwise_they_make_the_same(
    data_dir: Path, manual_dir: Path, tmp_path: Path
) -> None:
    expected = load("mnist", data_dir, manual_dir)
    for name in NAMES:
        path = manual_dir / f"{name}.gz"
        (manual_dir / name.replace("-idx", ".idx")).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    found = load("mnist", tmp_path / "other", manual_dir)
    for split, dataset in found._asdict().items():
        for field, array in dataset._asdict().items():
            np.testing.assert_array_equal(array, getattr(getattr(expected, split), field))


def test_a_wrong_file_is_named_and_nothing_is_written(data_dir: Path, manual_dir: Path) -> None:
    path = manual_dir / f"{NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(DataError, match=f"put {NAMES[0]}.gz into .*{path} cannot be unpacked: "):
        load("mnist", data_dir, manual_dir)
    assert not data_dir.exists()


def test_without_array_record_it_is_one_sentence(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "array_record", None)
        with pytest.raises(DataError, match="array-record, which is not installed and has pack"):
            load("mnist", data_dir, manual_dir)
        assert not data_dir.exists()
    load("mnist", data_dir, manual_dir)
    monkeypatch.setitem(sys.modules, "array_record", None)
    assert len(load("mnist", data_dir).train.image) == 30
    (data_dir / "mnist_sum" / "1.0.0" / "arrays.npz").unlink()
    with pytest.raises(DataError, match="array-record, which is not installed and has packages"):
        load("mnist", data_dir, manual_dir)


def test_an_interrupted_preparation_leaves_nothing_prepared(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Iterator[Any]:
        yield 0, {"image": np.zeros((28, 28), np.uint8), "digit": 0, "number": 0, "sum": 0}
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MnistSumBuilder, "_generate_examples", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load("mnist", data_dir, manual_dir)
    assert files_in(data_dir) == set()
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30


def test_a_killed_preparation_is_done_again(
    tmp_path: Path, data_dir: Path, manual_dir: Path
) -> None:
    with start_load(tmp_path, seconds_to_write=60) as process:
        wait_until_writing(process)
        process.kill()
    assert list(data_dir.glob("mnist_sum/incomplete.*"))
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30
    assert [path.name for path in (data_dir / "mnist_sum").iterdir()] == ["1.0.0"]


def test_two_processes_prepare_one_after_the_other(
    tmp_path: Path, data_dir: Path, manual_dir: Path
) -> None:
    process = start_load(tmp_path, seconds_to_write=0.5)
    wait_until_writing(process)
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30
    assert process.communicate(timeout=60) == ("writing\nloaded\n", "")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(data_dir: Path, manual_dir: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir}: .*too large"):
            load("mnist", data_dir, manual_dir)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(data_dir) == set()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, manual_dir: Path) -> None:
    (tmp_path / "file").touch()
    data_dir = tmp_path / "file" / "data"
    with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir}: .*Not a direc"):
        load("mnist", data_dir, manual_dir)
