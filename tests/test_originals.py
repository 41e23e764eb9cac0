"""The original files: known by what is in them, wherever they lie."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets
from tensorflow_datasets.core.download.checksums import load_url_infos
from tensorflow_datasets.core.download.resource import get_dl_fname

from mnist_sum.data import originals
from mnist_sum.data.idx import write_idx
from mnist_sum.data.originals import ADDRESS, SHA256, collect
from mnist_sum.errors import DataError
from tests import empty_folders, tiny_mnist
from tests.tiny_mnist import NAMES

elsewhere, data_dir = empty_folders.elsewhere, empty_folders.data_dir

ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"


@pytest.fixture
def manual_dir(tmp_path: Path) -> Path:
    """Make an empty manual folder."""
    (tmp_path / "manual").mkdir()
    return tmp_path / "manual"


def write_npz(path: Path) -> None:
    """Write all of MNIST as Keras has it."""
    (train, train_digits), (test, test_digits) = map(tiny_mnist.arrays, tiny_mnist.COUNTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, x_train=train, y_train=train_digits, x_test=test, y_test=test_digits)


def write_zip(path: Path, contents: dict[str, bytes]) -> None:
    """Write an archive as Kaggle offers it: a folder for each file, and each file twice."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}/{name}", content)
            archive.writestr(name.replace("-idx", ".idx"), content)


def write_tar(path: Path, contents: dict[str, bytes]) -> None:
    """Write a compressed archive of compressed files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            packed = gzip.compress(content)
            member = tarfile.TarInfo(f"MNIST/raw/{name}.gz")
            member.size = len(packed)
            archive.addfile(member, io.BytesIO(packed))


def write_each(name_of: Callable[[str], str], pack: Callable[[bytes], bytes]) -> Any:
    """Make a function that writes each file under its name in a folder, packed."""

    def write(folder: Path) -> None:
        for name, content in tiny_mnist.contents().items():
            path = folder / name_of(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pack(content))

    return write


WAYS: dict[str, Callable[[Path], None]] = {
    "as they are offered": tiny_mnist.write_files,
    "uncompressed": write_each("{}".format, bytes),
    "with Kaggle's names": write_each(lambda name: name.replace("-idx", ".idx"), bytes),
    "in folders of their names": write_each("{0}/{0}".format, bytes),
    "with names that say nothing": write_each(lambda name: f"{NAMES.index(name)}.bin", bytes),
    "compressed anew": write_each("{}.gz".format, partial(gzip.compress, compresslevel=1)),
    "compressed twice": write_each("{}.gz".format, lambda x: gzip.compress(gzip.compress(x))),
    "by bzip2": write_each("{}.bz2".format, bz2.compress),
    "by xz, named as by gzip": write_each("{}.gz".format, lzma.compress),
    "as torchvision has them": write_each("MNIST/raw/{}".format, bytes),
    "in a zip file": lambda folder: write_zip(folder / "archive.zip", tiny_mnist.contents()),
    "in a tar file": lambda folder: write_tar(folder / "MNIST.tar.gz", tiny_mnist.contents()),
    "as Keras has them": lambda folder: write_npz(folder / "mnist.npz"),
}


@pytest.mark.parametrize("way", WAYS)
def test_files_are_known_by_what_is_in_them(data_dir: Path, manual_dir: Path, way: str) -> None:
    (manual_dir / "0_notes.txt").write_text("not of MNIST")
    WAYS[way](manual_dir)
    assert collect(data_dir, manual_dir) == tiny_mnist.contents()
    assert not data_dir.exists()


def test_a_file_in_place_of_the_folder_is_taken(data_dir: Path, tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz")
    assert collect(data_dir, tmp_path / "mnist.npz") == tiny_mnist.contents()


@pytest.mark.parametrize(
    "place", ["data/downloads/manual", "here/data/MNIST/raw", "here/MNIST/raw"]
)
def test_files_are_found_in_the_usual_places(data_dir: Path, tmp_path: Path, place: str) -> None:
    tiny_mnist.write_files(tmp_path / place)
    assert collect(data_dir, None) == tiny_mnist.contents()


@pytest.mark.parametrize("folder", ["downloads", "downloads/mnist", "downloads/mnist_sum"])
def test_downloads_of_tfds_are_found(data_dir: Path, folder: str) -> None:
    for name, content in tiny_mnist.contents().items():
        path = data_dir / folder / get_dl_fname(f"{ADDRESS}{name}.gz", 64 * "0")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content))
    assert collect(data_dir, None) == tiny_mnist.contents()


@pytest.mark.parametrize("variable", ["HOME", "KERAS_HOME"])
def test_the_file_of_keras_is_found(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path / (".keras" if variable == "HOME" else "") / "datasets"
    write_npz(folder / "mnist.npz")
    assert collect(data_dir, None) == tiny_mnist.contents()


def test_files_are_put_together_from_several_places(data_dir: Path, manual_dir: Path) -> None:
    tiny_mnist.write_files(manual_dir)
    (data_dir / "downloads" / "mnist").mkdir(parents=True)
    (manual_dir / f"{NAMES[2]}.gz").rename(data_dir / "downloads" / "mnist" / "it")
    assert collect(data_dir, manual_dir) == tiny_mnist.contents()


compress = partial(gzip.compress, mtime=0)  # the same bytes at any time, as they name the tests
IMAGES = tiny_mnist.contents()[NAMES[0]]
DIGITS = tiny_mnist.contents()[NAMES[1]]


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"", "is empty"),
        (b"<html>Not found</html>", "is no IDX file"),
        (compress(IMAGES)[:-100], "cannot be unpacked: Compressed file ended before"),
        (compress(IMAGES[:-1]), "has 23535 bytes, expected 23536 for 30 examples"),
        (IMAGES[:-1] + b"\0", "holds 30 images that are not those of MNIST"),
        (compress(DIGITS[:-1] + b"\1"), "holds 30 labels that are not those of MNIST"),
        (DIGITS[:-1] + b"\x0a", "holds the label 10, expected labels 0..9"),
        (write_idx(np.zeros((2, 32, 32), np.uint8)), "has examples of shape (32, 32), expected"),
        (b"PK\3\4 and no more", "cannot be unpacked: File is not a zip file"),
        (np.lib.format.magic(1, 0) + b"!", "cannot be unpacked: EOF: "),
    ],
)
def test_what_lies_there_instead_is_named(
    data_dir: Path, manual_dir: Path, content: bytes, remark: str
) -> None:
    tiny_mnist.write_files(manual_dir)
    path = manual_dir / f"{NAMES[0]}.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        collect(data_dir, manual_dir)
    assert f"put {NAMES[0]}.gz into {manual_dir} ({path} {remark}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not data_dir.exists()


def test_an_empty_folder_of_the_name_of_a_file_is_named(data_dir: Path, manual_dir: Path) -> None:
    path = manual_dir / f"{NAMES[0]}.gz"
    path.mkdir()
    with pytest.raises(DataError, match=f"{path} is a folder without the file"):
        collect(data_dir, manual_dir)


def test_many_other_files_are_not_all_named(data_dir: Path, manual_dir: Path) -> None:
    for letter in "abcdefgh":
        (manual_dir / letter).touch()
    with pytest.raises(DataError, match=r"a is empty; .*/e is empty; \.\.\.\), or use --config"):
        collect(data_dir, manual_dir)


def test_a_file_that_is_too_large_is_not_read(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "LARGEST", 1000)
    (manual_dir / "large").write_bytes(IMAGES)
    with pytest.raises(DataError, match="large has more than 1000 bytes"):
        collect(data_dir, manual_dir)


def test_a_pipe_is_not_read(data_dir: Path, manual_dir: Path) -> None:
    tiny_mnist.write_files(manual_dir)
    os.mkfifo(manual_dir / "a")
    assert collect(data_dir, manual_dir) == tiny_mnist.contents()


def test_a_folder_that_is_not_there_is_one_sentence(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="files cannot be read: No such file or dir") as error:
        collect(data_dir, tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error.value)


def test_the_digests_are_those_of_the_files_that_tfds_registers() -> None:
    if not ORIGINAL_FILES.is_dir():
        pytest.skip(f"the four original files are not in {ORIGINAL_FILES}")
    package = Path(tensorflow_datasets.__file__).parent
    registered = load_url_infos(package / "url_checksums" / "mnist.txt")
    for name, digest in SHA256.items():
        packed = (ORIGINAL_FILES / f"{name}.gz").read_bytes()
        assert hashlib.sha256(packed).hexdigest() == registered[f"{ADDRESS}{name}.gz"].checksum
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == digest
