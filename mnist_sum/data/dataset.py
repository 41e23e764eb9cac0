"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

import logging
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Int32, UInt8

from mnist_sum.data.arrays import read_arrays, write_arrays
from mnist_sum.data.numbers import VERSION
from mnist_sum.errors import DataError, damaged, unreadable
from mnist_sum.inputs import check_examples

PREPARED_FOLDER = Path("mnist_sum", VERSION)
KEPT_FILE = "arrays.npz"  # in it, beside the files of TFDS
SAMPLE_FILE = Path(__file__).with_name("sample") / "mnist_5k.npz"
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # C:/ is none; a Path has one slash

logger = logging.getLogger(__name__)


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
    (default: downloads/manual in the data folder), whatever their names and packing. Raises
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
    except RuntimeError as error:  # there is no such home folder
        raise DataError(
            f"The data folder {folder} cannot be used: {str(error).rstrip('.')}."
        ) from error


def _load_mnist(data_dir: Path, manual_dir: Path | None) -> Splits:
    """Read the arrays that are kept, or have TFDS prepare and read the data set, and keep them."""
    folder = data_dir / PREPARED_FOLDER
    kept = folder / KEPT_FILE
    try:
        arrays = read_arrays(kept)
        if (version := str(arrays["version"])) != VERSION:
            raise DataError(
                f"{kept} is of version {version} of the data set, expected {VERSION}: "
                f"delete {folder} to have it prepared again."
            )
        return _splits(arrays)
    except DataError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        pass  # nothing is prepared, or by a version that kept no arrays
    except OSError as error:
        raise unreadable(kept, error) from error
    except Exception as error:  # the readers of zip and npy files raise a dozen types of them
        logger.warning("%s", damaged(kept, error, "it is made again"))
    from mnist_sum.data.builder import prepare, read_prepared  # import TFDS, not needed so far

    if not folder.exists():
        prepare(data_dir, manual_dir)
    arrays = read_prepared(folder)
    with suppress(OSError):  # in a folder that is read-only, every load takes as long as this one
        write_arrays(kept, {"version": np.array(VERSION)} | arrays)
    return _splits(arrays)


def _read_sample() -> Splits:
    try:
        return _splits(read_arrays(SAMPLE_FILE))
    except PermissionError as error:
        raise unreadable(SAMPLE_FILE, error) from error
    except Exception as error:  # as above
        raise damaged(SAMPLE_FILE, error, "install mnist_sum again") from error


def _splits(arrays: Mapping[str, np.ndarray]) -> Splits:
    """Give the arrays of a file their types; raises errors of several types if they do not fit."""
    datasets = []
    for split in Splits._fields:
        image, digit, number = (arrays[f"{split}_{field}"] for field in Dataset._fields)
        dataset = Dataset(
            image.astype(np.uint8, casting="safe", copy=False),
            digit.astype(np.int32, casting="safe"),
            number.astype(np.int32, casting="safe"),
        )
        check_examples(split, dataset)
        datasets.append(dataset)
    return Splits(*datasets)
