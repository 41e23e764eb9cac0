"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

import json
import os
import re
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Int32, UInt8

from mnist_sum.check import check_examples
from mnist_sum.data.idx import IMAGE_SHAPE, DataError
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS

__all__ = ["DataError", "Dataset", "Splits", "load"]

BLOCK_SIZE = 2048
PREPARED_FOLDER = Path("mnist_sum", "1.0.0")
SAMPLE_FILE = Path(__file__).with_name("sample") / "mnist_5k.npz"

# One tf.train.Example as protobuf writes it: a map of four features in any order. For each the
# regular expression spells out keys and lengths, and leaves open only the bytes of the value.
EXAMPLE = re.compile(
    rb"\n\xd2\x06(?:"
    rb"\n\xa0\x06\n\x05image\x12\x96\x06\n\x93\x06\n\x90\x06(?P<image>.{784})"
    rb"|\n\x0e\n\x05digit\x12\x05\x1a\x03\n\x01(?P<digit>.)"
    rb"|\n\x0f\n\x06number\x12\x05\x1a\x03\n\x01(?P<number>.)"
    rb"|\n\x0c\n\x03sum\x12\x05\x1a\x03\n\x01(?P<sum>.)"
    rb"){4}",
    re.DOTALL,
)


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
    (default: downloads/manual in the data folder). Raises DataError.
    """
    if name == "sample":
        return _read_sample()
    if name != "mnist":
        raise DataError(f"There is no data set {name!r}, expected 'mnist' or 'sample'.")
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    try:
        data_dir = Path(data_dir).expanduser()
        manual_dir = Path(manual_dir or data_dir / "downloads" / "manual").expanduser()
        folder = data_dir / PREPARED_FOLDER
        prepared = folder.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such home folder
        raise DataError(f"The data folder {data_dir} cannot be used: {error}.") from error
    if not prepared:
        from mnist_sum.data.builder import prepare  # imports TFDS, which reading does not need

        prepare(data_dir, manual_dir)
    return _read_prepared(folder)


def _read_sample() -> Splits:
    datasets = []
    try:
        with SAMPLE_FILE.open("rb") as file, np.load(file, allow_pickle=False) as sample:
            for split in Splits._fields:
                image, digit, number = (sample[f"{split}_{field}"] for field in Dataset._fields)
                dataset = Dataset(
                    image.astype(np.uint8, casting="safe", copy=False),
                    digit.astype(np.int32, casting="safe"),
                    number.astype(np.int32, casting="safe"),
                )
                check_examples(split, dataset)
                datasets.append(dataset)
    except Exception as error:  # the readers of zip and npy files raise a dozen types of them
        raise DataError(
            f"{SAMPLE_FILE} is damaged ({_reason(error)}): install mnist_sum again."
        ) from error
    return Splits(*datasets)


def _read_prepared(folder: Path) -> Splits:
    """Read what TFDS has prepared, but not through TFDS, which takes 4 s for it."""
    path = folder / "dataset_info.json"
    try:
        info = json.loads(path.read_bytes())
        counts = {split["name"]: sum(map(int, split["shardLengths"])) for split in info["splits"]}
        datasets = []
        for split in Splits._fields:
            path = folder / f"mnist_sum-{split}.array_record-00000-of-00001"
            datasets.append(_read_records(path, counts[split]))
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise DataError(
            f"{path} is damaged ({_reason(error)}): delete {folder} to have it prepared again."
        ) from error
    return Splits(*datasets)


def _reason(error: Exception) -> str:
    """Name an error by its type and its message, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def _read_records(path: Path, count: int) -> Dataset:
    """Read an ArrayRecord file; RuntimeError if its checksums fail, ValueError if the rest does.

    Reading in blocks that fit the processor's cache halves the time.
    """
    from array_record.python.array_record_module import ArrayRecordReader

    with closing(ArrayRecordReader(str(path))) as reader:
        if reader.num_records() != count:
            raise ValueError(f"it holds {reader.num_records()} examples, expected {count}")
        starts = range(0, count, BLOCK_SIZE)
        blocks = [_decode(reader.read(start, min(start + BLOCK_SIZE, count))) for start in starts]
    return Dataset(*map(np.concatenate, zip(*blocks, strict=True)))


def _decode(records: list[bytes]) -> Dataset:
    """Decode tf.train.Example protos; ValueError if they are not what the builder writes.

    All of MNIST takes 0.15 s here, and with protobuf 0.6 s and another 0.4 s for its import.
    """
    matches = map(EXAMPLE.fullmatch, records)
    values = [match.groups() for match in matches if match]
    if len(values) != len(records):
        raise ValueError(f"{len(records) - len(values)} examples are not of the expected format")
    columns = (b"".join(column) for column in zip(*values, strict=True))
    image, digit, number, total = (np.frombuffer(column, np.uint8) for column in columns)
    if digit.max() >= NUM_DIGITS or number.max() >= NUM_NUMBERS or (digit + number != total).any():
        raise ValueError("a digit, number or sum is out of range")
    return Dataset(image.reshape(-1, *IMAGE_SHAPE), digit.astype(np.int32), number.astype(np.int32))
