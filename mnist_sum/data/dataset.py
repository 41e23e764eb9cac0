"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Int32, UInt8

from mnist_sum.errors import DataError
from mnist_sum.inputs import check_examples

SAMPLE_FILE = Path(__file__).with_name("sample") / "mnist_5k.npz"
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # C:/ is none; a Path has one slash


class Dataset(NamedTuple):
    """Images, their digits 0..9, and a number 0..9 drawn once for each."""

    image: UInt8[Array | np.ndarray, "example 28 28"]
    digit: Int32[Array | np.ndarray, " example"]
    number: Int32[Array | np.ndarray, " example"]


class Splits(NamedTuple):
    """The images to train on and, apart from them, those to test on."""

    train: Dataset
    test: Dataset


def load(
    name: Literal["mnist", "sample"],
    data_dir: str | Path | None = None,
    manual_dir: str | Path | None = None,
) -> Splits:
    """Load full MNIST or the embedded sample as numpy arrays, in the order of the original files.

    MNIST is downloaded and prepared on first use. `data_dir` is the data folder of TFDS (default:
    TFDS_DATA_DIR, or ~/tensorflow_datasets); `manual_dir` may hold the four original files
    (default: downloads/manual in the data folder), whatever their names, packed or not. Raises
    DataError.
    """
    if name == "sample":
        return _read_sample()
    if name != "mnist":
        raise DataError(f"There is no data set {name!r}, expected 'mnist' or 'sample'.")
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return _load_mnist(_local(data_dir), _local(manual_dir) if manual_dir else None)


def _local(folder: str | Path) -> Path:
    if ADDRESS.match(str(folder)):
        raise DataError(
            f"The folder {folder} is an address, expected a folder of this machine: "
            "copy or mount it."
        )
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise DataError(f"There is no home folder for {folder}: name another folder.") from error


def _load_mnist(data_dir: Path, manual_dir: Path | None) -> Splits:
    try:
        from mnist_sum.data import builder  # imports TFDS, which the sample doesn't need
    except ModuleNotFoundError as error:
        raise DataError(
            f"MNIST needs {error.name}: install mnist_sum[data], which has packages for Linux and "
            'Apple silicon, or use the data set "sample".'
        ) from error
    folder = builder.prepare(data_dir, manual_dir)
    try:
        return _splits(builder.read_prepared(data_dir))
    except Exception as error:  # TFDS, protobuf and ArrayRecord raise a dozen types of them
        remedy = "check that you may read it, or delete it to have it prepared again"
        raise _unreadable(folder, error, remedy) from error


def _read_sample() -> Splits:
    try:
        with SAMPLE_FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _splits(arrays)
    except Exception as error:  # the readers of zip and npy files raise a dozen types of them
        remedy = "check that you may read it, or install mnist_sum again"
        raise _unreadable(SAMPLE_FILE, error, remedy) from error


def _splits(arrays: Mapping[str, np.ndarray]) -> Splits:
    """Give stored arrays their types; raises errors of several types if they do not fit."""
    datasets = []
    for split in Splits._fields:
        image, digit, number = (arrays[f"{split}_{field}"] for field in Dataset._fields)
        dataset = Dataset(
            image.astype(np.uint8, casting="safe"),
            digit.astype(np.int32, casting="safe"),
            number.astype(np.int32, casting="safe"),
        )
        check_examples(split, dataset)
        datasets.append(dataset)
    return Splits(*datasets)


def _unreadable(path: Path, error: Exception, remedy: str) -> DataError:
    reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
    return DataError(f"{path} cannot be read ({reason}): {remedy}.")
