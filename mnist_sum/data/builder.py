"""The TFDS dataset `mnist_sum`, prepared without TensorFlow; importing this imports TFDS."""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import jax
import jax.numpy as jnp
import numpy as np
import requests
import tensorflow_datasets.public_api as tfds
from filelock import FileLock
from jaxtyping import Int32
from tensorflow_datasets.core.download.checksums import UrlInfo, compute_url_info
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.resource import get_dl_fname, is_locally_cached
from tensorflow_datasets.core.download.util import DownloadError

from mnist_sum.data.idx import IMAGE_SHAPE, DataError, read_digits, read_images
from mnist_sum.recipe import NUM_NUMBERS

SOURCES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
NUMBER_SEED = 0
REACH_SECONDS = 8.0

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


def fixed_numbers(split: str, count: int) -> Int32[np.ndarray, " example"]:
    """Draw the numbers of a split, uniformly from 0..9 and the same at every call."""
    key = jax.random.fold_in(jax.random.key(NUMBER_SEED), list(SOURCES).index(split))
    return np.asarray(jax.random.randint(key, (count,), 0, NUM_NUMBERS, jnp.int32))


class MnistSumBuilder(tfds.core.GeneratorBasedBuilder):
    """Download, verify and write the data set; `checksums.tsv` holds addresses and SHA-256."""

    name = "mnist_sum"
    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        image = tfds.features.Tensor(
            shape=IMAGE_SHAPE, dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
        )
        integer = tfds.features.Scalar(dtype=np.int32)
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {"image": image, "digit": integer, "number": integer, "sum": integer}
            ),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=CITATION,
            disable_shuffling=True,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        paths = dl_manager.download({info.filename: url for url, info in self.url_infos.items()})
        return {
            split: self._generate_examples(split, Path(paths[images]), Path(paths[labels]))
            for split, (images, labels) in SOURCES.items()
        }

    def _generate_examples(
        self, split: str, image_path: Path, digit_path: Path
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        images, digits = read_images(image_path), read_digits(digit_path)
        if len(images) != len(digits):
            raise DataError(
                f"{image_path} holds {len(images)} images, "
                f"but {digit_path} holds {len(digits)} labels."
            )
        numbers = fixed_numbers(split, len(images))
        for index, (image, digit, number) in enumerate(zip(images, digits, numbers, strict=True)):
            total = int(digit) + int(number)
            yield index, {"image": image, "digit": digit, "number": number, "sum": total}


def prepare(data_dir: Path, manual_dir: Path) -> None:
    """Write the data set into a TFDS data folder, downloading what is not on this machine.

    Processes that prepare the same folder take turns. Raises DataError.
    """
    downloads = data_dir / "downloads"
    try:
        _check_sources(downloads, manual_dir)
        downloads.mkdir(parents=True, exist_ok=True)
        with FileLock(downloads / "mnist_sum.lock"):
            try:
                _download_and_prepare(data_dir, manual_dir)
            finally:
                _remove_leftovers(data_dir)
    except (requests.RequestException, DownloadError, NonMatchingChecksumError) as error:
        raise DataError(f"The download of MNIST failed: {' '.join(str(error).split())}") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: ArrayRecord cannot write
        raise DataError(f"MNIST cannot be prepared in {data_dir}: {error}.") from error


def _check_sources(downloads: Path, manual_dir: Path) -> None:
    """Raise DataError for a source file that is wrong, or missing with its address out of reach."""
    missing = {}
    for url, info in MnistSumBuilder.url_infos.items():
        path = _local_copy(url, info, downloads, manual_dir)
        if path is None:
            missing[url] = info.filename
        elif (found := compute_url_info(path)) != info:
            raise DataError(
                f"{path} has {int(found.size)} bytes and SHA-256 {found.checksum}, "
                f"expected {int(info.size)} bytes and {info.checksum}: replace or delete it."
            )
    if missing and (reason := _why_unreachable(next(iter(missing)))):
        raise DataError(
            f"MNIST is not prepared and cannot be downloaded ({reason}): "
            f"put {', '.join(missing.values())} into {manual_dir}, "
            "or use --config sample, which needs no download."
        )


def _local_copy(url: str, info: UrlInfo, downloads: Path, manual_dir: Path) -> Path | None:
    """Find a source file where TFDS does: in the manual folder, then among its downloads."""
    manual = manual_dir / info.filename
    if manual.exists():
        return manual
    downloaded = downloads / MnistSumBuilder.name / get_dl_fname(url, info.checksum)
    return downloaded if is_locally_cached(downloaded) else None


def _why_unreachable(url: str) -> str | None:
    """Try to fetch the first byte, as TFDS would only give up after minutes of retries.

    The thread bounds what the timeout of requests does not, above all a slow DNS.
    """
    outcome: Future[None] = Future()

    def fetch() -> None:
        try:
            with requests.get(url, stream=True, timeout=REACH_SECONDS) as response:
                response.raise_for_status()
                next(response.iter_content(1), None)
            outcome.set_result(None)
        except Exception as error:
            outcome.set_exception(error)

    Thread(target=fetch, daemon=True).start()
    try:
        outcome.result(REACH_SECONDS)
    except (requests.RequestException, TimeoutError) as error:
        return f"{type(error).__name__} at {urlsplit(url).netloc}"
    return None


def _download_and_prepare(data_dir: Path, manual_dir: Path) -> None:
    tfds.display_progress_bar(sys.stderr.isatty())
    config = tfds.download.DownloadConfig(
        manual_dir=manual_dir, try_download_gcs=False, num_shards=1
    )
    with redirect_stdout(StringIO()):  # TFDS prints where it writes to, in bold
        MnistSumBuilder(data_dir=data_dir).download_and_prepare(
            download_config=config, file_format="array_record"
        )


def _remove_leftovers(data_dir: Path) -> None:
    """Remove what this or an earlier preparation has left unfinished; the lock must be held."""
    name = MnistSumBuilder.name
    for path in (
        *data_dir.glob(f"{name}/incomplete.*"),
        *data_dir.glob(f"downloads/{name}/*.tmp.*"),
    ):
        shutil.rmtree(path, ignore_errors=True)
