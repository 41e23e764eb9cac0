"""The TFDS dataset `mnist_sum`, prepared without TensorFlow; importing this imports TFDS."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets.public_api as tfds
from filelock import FileLock
from jaxtyping import UInt8

from mnist_sum.data.idx import IMAGE_SHAPE, read_digits, read_images
from mnist_sum.data.numbers import VERSION, fixed_numbers
from mnist_sum.data.originals import collect
from mnist_sum.errors import DataError, damaged, unreadable
from mnist_sum.recipe import NUM_DIGITS

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
DESCRIPTION = (
    "MNIST, with a number 0..9 drawn once for each image, and the sum of digit and number."
)
CITATION = """\
@article{lecun2010mnist,
  title={MNIST handwritten digit database},
  author={LeCun, Yann and Cortes, Corinna and Burges, CJ},
  journal={ATT Labs [Online]. Available: http://yann.lecun.com/exdb/mnist},
  volume={2},
  year={2010}
}
"""


def features() -> tfds.features.FeaturesDict:
    """Describe an example."""
    integer = tfds.features.Scalar(dtype=np.int32)
    image = tfds.features.Tensor(
        shape=IMAGE_SHAPE, dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
    )
    return tfds.features.FeaturesDict(
        {"image": image, "digit": integer, "number": integer, "sum": integer}
    )


class MnistSumBuilder(tfds.core.GeneratorBasedBuilder):
    """Write the data set from the original files, which `collect` finds or downloads."""

    name = "mnist_sum"
    VERSION = tfds.core.Version(VERSION)
    originals: dict[str, bytes]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            features=features(),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=CITATION,
            disable_shuffling=True,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        return {split: self._generate_examples(split) for split in FILES}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        image_file, digit_file = FILES[split]
        images = read_images(self.originals[image_file], Path(image_file))
        digits = read_digits(self.originals[digit_file], Path(digit_file))
        numbers = fixed_numbers(split, len(images))
        for index, (image, digit, number) in enumerate(zip(images, digits, numbers, strict=True)):
            total = int(digit) + int(number)
            yield index, {"image": image, "digit": digit, "number": number, "sum": total}


def prepare(data_dir: Path, manual_dir: Path | None) -> None:
    """Write the data set into a TFDS data folder, downloading what is not on this machine.

    Processes that prepare the same folder take turns. Raises DataError.
    """
    check_array_record()
    try:
        originals = collect(data_dir, manual_dir)
        (data_dir / "downloads").mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / "downloads" / "mnist_sum.lock"):
            try:
                _write(data_dir, originals)
            finally:
                _remove_leftovers(data_dir)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: ArrayRecord cannot write
        raise DataError(f"MNIST cannot be prepared in {data_dir}: {error}.") from error


def check_array_record() -> None:
    """Raise DataError where ArrayRecord, which TFDS writes and reads here, is not installed."""
    if importlib.util.find_spec("array_record") is None:
        raise DataError(
            "MNIST is prepared by way of array-record, which is not installed and has packages for "
            "Linux and Apple silicon only: copy the data folder from a machine that has loaded it, "
            "or use --config sample, which does not need it."
        )


def _write(data_dir: Path, originals: dict[str, bytes]) -> None:
    tfds.display_progress_bar(sys.stderr.isatty())
    config = tfds.download.DownloadConfig(try_download_gcs=False, num_shards=1)
    with redirect_stdout(StringIO()):  # TFDS prints where it writes to, in bold
        builder = MnistSumBuilder(data_dir=data_dir)
        builder.originals = originals
        builder.download_and_prepare(download_config=config, file_format="array_record")


def _remove_leftovers(data_dir: Path) -> None:
    """Remove what this or an earlier preparation has left unfinished; the lock must be held."""
    for path in data_dir.glob(f"{MnistSumBuilder.name}/incomplete.*"):
        shutil.rmtree(path, ignore_errors=True)


def read_prepared(folder: Path) -> dict[str, np.ndarray]:
    """Read what has been prepared through TFDS, which takes seconds; raises DataError."""
    check_array_record()
    try:
        for path in folder.iterdir():
            path.open("rb").close()
    except OSError as error:
        raise unreadable(Path(error.filename or folder), error) from error
    path = folder / "dataset_info.json"
    arrays: dict[str, np.ndarray] = {}
    try:
        builder = tfds.builder_from_directory(folder)
        check_version(builder.info, folder)
        for split in FILES:
            (path,) = map(Path, builder.info.splits[split].filepaths)
            arrays |= _read_split(builder, split, path)
    except DataError:
        raise
    except Exception as error:  # TFDS, protobuf and ArrayRecord raise a dozen types of them
        raise damaged(path, error, f"delete {folder} to have it prepared again") from error
    return arrays


def check_version(info: tfds.core.DatasetInfo, folder: Path) -> None:
    """Raise DataError for a data set that is not the one which this version prepares."""
    expected = f"{MnistSumBuilder.name}/{VERSION}"
    other_features = repr(info.features) != repr(features())
    if info.full_name != expected or other_features:
        found = f"{info.full_name}{' with other features' if other_features else ''}"
        raise DataError(
            f"{folder} holds another version of the data set ({' '.join(found.split())}), expected "
            f"{expected}: delete {folder} to have it prepared again."
        )


def _read_split(
    builder: tfds.core.DatasetBuilder, split: str, path: Path
) -> dict[str, UInt8[np.ndarray, "example ..."]]:
    """Read a split and name its arrays; raises DataError if its numbers are not those drawn here.

    Its errors for damage are of a dozen types.
    """
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    source = builder.as_data_source(split)
    if (count := len(ArrayRecordDataSource([str(path)]))) != len(source):
        raise ValueError(f"it holds {count} examples, expected {len(source)}")
    examples = source.__getitems__(range(count))  # at once, which is four times as fast
    digits, numbers, sums = (
        np.array([example[name] for example in examples], np.uint8)
        for name in ("digit", "number", "sum")
    )
    if digits.max() >= NUM_DIGITS or (digits + numbers != sums).any():
        raise ValueError("a digit or a sum is out of range")
    if (numbers != fixed_numbers(split, count)).any():
        raise DataError(
            f"{path} holds other numbers than are drawn for version {VERSION} of the data set: "
            f"delete {path.parent} to have it prepared again."
        )
    images = np.stack([example["image"] for example in examples])
    return {f"{split}_image": images, f"{split}_digit": digits, f"{split}_number": numbers}
