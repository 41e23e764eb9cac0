"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt8

from mnist_sum.errors import DataError, reason_of
from mnist_sum.inputs import check_examples
from mnist_sum.recipe import NUM_NUMBERS

SAMPLE_FILE = Path(__file__).with_name("sample") / "mnist_5k.npz"
TYPES = {"image": np.uint8, "digit": np.int32, "number": np.int32}
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
    TFDS_DATA_DIR, or ~/tensorflow_datasets); `manual_dir` (default: its downloads/manual) may hold
    the four original files, whatever their names, packed or not. Raises DataError.
    """
    if name == "sample":
        return _read(_read_sample, SAMPLE_FILE, "install mnist_sum again")
    if name != "mnist":
        raise DataError(f"There is no data set {name!r}, expected 'mnist' or 'sample'.")
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    data_dir = Path(local_path(str(data_dir)))
    manual_dir = Path(local_path(str(manual_dir))) if manual_dir else None
    try:
        from mnist_sum.data import builder  # imports TFDS, which the sample doesn't need
    except ModuleNotFoundError as error:
        raise DataError(
            f"MNIST needs {error.name}: pip install '.[data]' in the project's folder, on Linux or "
            'Apple silicon, or use the data set "sample".'
        ) from error
    folder = builder.prepare(data_dir, manual_dir)
    read = partial(builder.read_prepared, data_dir)
    return _read(read, folder, "delete it to have it prepared again")


def local_path(path: str) -> str:
    """Expand the ~ of a path; raises DataError for what is not on this machine."""
    if ADDRESS.match(path):
        raise DataError(f"{path} must be a path on this machine: copy or mount what is there.")
    expanded = os.path.expanduser(path)  # noqa: PTH111, as Path would tidy up what is no path
    if expanded.startswith("~"):
        raise DataError(f"{path} names a home folder that does not exist.")
    return expanded


def _read_sample() -> dict[str, np.ndarray]:
    with SAMPLE_FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def _read(read: Callable[[], Mapping[str, np.ndarray]], path: Path, remedy: str) -> Splits:
    datasets = []
    try:
        arrays = read()
        for split in Splits._fields:
            columns = (arrays[f"{split}_{x}"].astype(y, casting="safe") for x, y in TYPES.items())
            dataset = Dataset(*columns)
            check_examples(split, dataset)
            datasets.append(dataset)
    except Exception as error:  # what reads them raises a dozen types for damage
        raise DataError(
            f"{path} cannot be read ({reason_of(error)}): check that you may read it, or {remedy}."
        ) from error
    return Splits(*datasets)


def fixed_numbers(split: str, count: int) -> Int32[np.ndarray, " example"]:
    """Draw the numbers of a split, uniformly from 0..9: the same under all settings of JAX."""
    with jax.threefry_partitionable(True), jax.transfer_guard("allow"):
        seed = jax.random.wrap_key_data(jnp.zeros(2, np.uint32), impl="threefry2x32")
        key = jax.random.fold_in(seed, Splits._fields.index(split))
        return np.array(jax.random.randint(key, (count,), 0, NUM_NUMBERS, np.int32))
