"""The TFDS data set `mnist_sum`, without TensorFlow; importing this imports TFDS."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import array_record.python.array_record_module  # noqa: F401, TFDS imports it late
import importlib_resources  # noqa: F401, the same
import numpy as np
import tensorflow_datasets.public_api as tfds
from filelock import FileLock
from jaxtyping import UInt8

from mnist_sum.data.numbers import fixed_numbers
from mnist_sum.data.originals import collect
from mnist_sum.errors import DataError

VERSION = "2.0.0"  # other numbers, or another layout, take another
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
IMAGE_HEADER, LABEL_HEADER = 16, 8  # bytes
AUTHORS = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges"

Arrays = dict[str, UInt8[np.ndarray, "example ..."]]  # by name


class MnistSumBuilder(tfds.core.GeneratorBasedBuilder):
    """Each split is one example of whole arrays: 60,000 examples would take seconds to read."""

    name = "mnist_sum"
    VERSION = tfds.core.Version(VERSION)
    examples: dict[str, Arrays]

    def _info(self) -> tfds.core.DatasetInfo:
        def array(*shape: int | None) -> tfds.features.Tensor:
            encoding = tfds.features.Encoding.BYTES
            return tfds.features.Tensor(shape=shape, dtype=np.uint8, encoding=encoding)

        return tfds.core.DatasetInfo(
            builder=self,
            description="All images of MNIST, their digits, and a number 0..9 drawn for each.",
            features=tfds.features.FeaturesDict(
                {"image": array(None, 28, 28), "digit": array(None), "number": array(None)}
            ),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=f"{AUTHORS}: The MNIST database of handwritten digits.",
            disable_shuffling=True,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, Arrays]]]:
        return {split: self._generate_examples(split) for split in FILES}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, Arrays]]:
        yield split, self.examples[split]


def prepare(data_dir: Path, manual_dir: Path | None) -> Path:
    """Name the folder of the data set, after writing it where that hasn't been done.

    The original files are downloaded unless they are on this machine. Processes that prepare the
    same folder take turns. Raises DataError.
    """
    folder = data_dir / MnistSumBuilder.name / VERSION
    try:
        if not folder.exists():
            originals = collect(data_dir, manual_dir)
            _write(data_dir, {split: make_example(split, originals) for split in FILES})
    except OSError as error:
        raise DataError(
            f"MNIST cannot be prepared in {data_dir} ({error}): choose another data folder."
        ) from error
    return folder


def make_example(split: str, originals: dict[str, bytes]) -> Arrays:
    """Make the one example of a split of the files that hold it."""
    images, labels = (originals[name] for name in FILES[split])
    image = np.frombuffer(images, np.uint8, offset=IMAGE_HEADER).reshape(-1, 28, 28)
    digit = np.frombuffer(labels, np.uint8, offset=LABEL_HEADER)
    number = fixed_numbers(split, len(digit)).astype(np.uint8)
    return {"image": image, "digit": digit, "number": number}


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
