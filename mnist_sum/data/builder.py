"""The TFDS data set `mnist_sum`, without TensorFlow; importing this imports TFDS."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import array_record.python.array_record_module  # noqa: F401, TFDS imports it late
import importlib_resources  # noqa: F401, the same
import numpy as np
import tensorflow_datasets.public_api as tfds
from filelock import FileLock
from jaxtyping import UInt8

from mnist_sum.data.dataset import fixed_numbers
from mnist_sum.data.originals import collect
from mnist_sum.errors import DataError

VERSION = "2.0.0"  # other numbers, or another layout, take another
FILES = {"train": "train", "test": "t10k"}  # what the names of its two files begin with

Arrays = dict[str, UInt8[np.ndarray, "example ..."]]  # by name


class MnistSumBuilder(tfds.core.GeneratorBasedBuilder):
    """Each split is one example of whole arrays: 60,000 examples would take seconds to read."""

    name = "mnist_sum"
    VERSION = tfds.core.Version(VERSION)
    examples: dict[str, Arrays]

    def _info(self) -> tfds.core.DatasetInfo:
        encoding = tfds.features.Encoding.BYTES
        array = partial(tfds.features.Tensor, dtype=np.uint8, encoding=encoding)
        vector = array(shape=(None,))
        features = {"image": array(shape=(None, 28, 28)), "digit": vector, "number": vector}
        return tfds.core.DatasetInfo(
            builder=self,
            description="All images of MNIST, their digits, and a number 0..9 drawn for each.",
            features=tfds.features.FeaturesDict(features),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation="LeCun, Cortes and Burges: The MNIST database of handwritten digits.",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: object) -> dict[str, Iterator[tuple[str, Arrays]]]:
        return {split: self._generate_examples(split) for split in FILES}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, Arrays]]:
        yield split, self.examples[split]


def prepare(data_dir: Path, manual_dir: Path | None) -> Path:
    """Write the data set where that hasn't been done, and name its folder; raises DataError."""
    folder = data_dir / MnistSumBuilder.name / VERSION
    try:
        if not folder.exists():
            originals = collect(data_dir, manual_dir)
            _write(data_dir, {split: _make_example(split, originals) for split in FILES})
    except OSError as error:
        raise DataError(
            f"MNIST cannot be prepared in {data_dir} ({error}): choose another data folder."
        ) from error
    return folder


def _make_example(split: str, originals: dict[str, bytes]) -> Arrays:
    images, labels = f"{FILES[split]}-images-idx3-ubyte", f"{FILES[split]}-labels-idx1-ubyte"
    image = np.frombuffer(originals[images], np.uint8, offset=16)  # after the header
    digit = np.frombuffer(originals[labels], np.uint8, offset=8)
    number = fixed_numbers(split, len(digit)).astype(np.uint8)
    return {"image": image.reshape(-1, 28, 28), "digit": digit, "number": number}


def _write(data_dir: Path, examples: dict[str, Arrays]) -> None:
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    (data_dir / "downloads").mkdir(parents=True, exist_ok=True)
    lock = FileLock(data_dir / "downloads" / "mnist_sum.lock")
    with lock, redirect_stdout(StringIO()):  # TFDS prints where it writes to, in bold
        builder = MnistSumBuilder(data_dir=data_dir)
        builder.examples = examples
        try:
            builder.download_and_prepare(download_config=config, file_format="array_record")
        except RuntimeError as error:  # ArrayRecord's, where the system refuses to write
            raise OSError(str(error)) from error


def read_prepared(data_dir: Path) -> Arrays:
    """Read what has been prepared, named as in the sample; raises a dozen types for damage."""
    sources = MnistSumBuilder(data_dir=data_dir).as_data_source()
    return {f"{split}_{field}": x for split in FILES for field, x in sources[split][0].items()}
