"""Hostile input: whatever comes, it works or is refused with one sentence, and nothing is written.

The examples are drawn the same way every time.
"""

import bz2
import dataclasses
import gzip
import io
import json
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tensorflow_datasets.proto import tf_example_pb2

from experiments.configs import Config, config_of, fields_of
from experiments.system.arguments import ConfigOptions, UsageError, parse
from mnist_sum.check import InputError, check_examples
from mnist_sum.data import DataError, Dataset, Splits, load, originals
from mnist_sum.data import dataset as data_module
from mnist_sum.data.idx import read_digits, read_images
from mnist_sum.data.numbers import fixed_numbers
from mnist_sum.recipe import RecipeError
from tests import tiny_mnist

hostile = settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FIELDS = list(fields_of(Config()))


def listing(folder: Path) -> dict[str, bytes | None]:
    """Read all files below a folder, but for what hypothesis keeps."""
    paths = [path for path in folder.rglob("*") if ".hypothesis" not in path.parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture(autouse=True)
def given_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the one folder that a test may write to, and assert that no other is touched."""
    for variable in ("HOME", "XDG_CACHE_HOME", "TFDS_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "around" / variable))
    (tmp_path / "around" / "here" / "runs").mkdir(parents=True)
    (tmp_path / "around" / "here" / "file").write_text("as it was")
    monkeypatch.chdir(tmp_path / "around" / "here")
    before = listing(tmp_path)
    folder = tmp_path / "given"
    folder.mkdir()
    yield folder
    after = {path: x for path, x in listing(tmp_path).items() if not path.startswith(str(folder))}
    assert after == before


def attempt(
    errors: type[Exception] | tuple[type[Exception], ...],
    function: Callable[..., Any],
    *args: Any,
    **kwargs: Any,
) -> tuple[Any, str]:
    """Call a function; returns its result, or what it refuses with, which must be one sentence."""
    try:
        return function(*args, **kwargs), ""
    except errors as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    assert message.endswith(".")
    return None, message


# Configs

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
    st.decimals(),
    st.sampled_from(
        [10**400, -(10**400), 1e308, Decimal(1), object(), Config, np.float64(0.5), "sample"]
    ),
    st.sampled_from(
        [np.arange(100).reshape(5, 20), np.ones(3), {"a": [1]}, {1, 2}, "fresh", "exact", [[]]]
    ),
    st.lists(st.integers(), max_size=3),
    npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=0, max_dims=2, max_side=3)),
)


@hostile
@given(st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
@example({"learning_rate": 10**400})
@example({"epochs": -(10**5000)})
@example({"digit_weight": np.zeros((3, 3))})
def test_a_config_works_or_is_refused(fields: dict[str, Any]) -> None:
    config, refusal = attempt(RecipeError, config_of, fields)
    if refusal:
        assert refusal.startswith(tuple(FIELDS))
    else:
        assert hash(config) == hash(dataclasses.replace(config))


# IDX files

MAGICS = {"images": 0x803, "labels": 0x801}


@st.composite
def idx_files(draw: st.DrawFn) -> bytes:
    """Write an IDX file of a few images or labels, with one thing or another wrong, or nothing."""
    kind = draw(st.sampled_from(list(MAGICS)))
    count = draw(st.integers(0, 3))
    sides = (28, 28) if kind == "images" else ()
    content = draw(st.binary(min_size=count, max_size=count)) * (784 if sides else 1)
    if draw(st.booleans()):
        content = bytes(byte % 10 for byte in content)
    header = [MAGICS[kind], count, *sides]
    if draw(st.booleans()):
        header[draw(st.integers(0, len(header) - 1))] = draw(st.integers(0, 2**32 - 1))
    content = struct.pack(f">{len(header)}I", *header) + content
    if draw(st.booleans()):
        content = draw(st.sampled_from([content, content + b"\0", b"\0" + content, content * 2]))
    return content


@st.composite
def damaged(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    """Cut a file short, flip bits of it, or leave it."""
    content = bytearray(draw(files))
    if content and draw(st.booleans()):
        for position in draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
            content[position] ^= 1 << draw(st.integers(0, 7))
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    return bytes(content)


def zipped(content: bytes) -> bytes:
    """Write an archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("file", content)
    return file.getvalue()


def tarred(content: bytes) -> bytes:
    """Write an archive of one file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


PACKINGS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, zipped, tarred]


@st.composite
def packed_files(draw: st.DrawFn) -> bytes:
    """Pack an IDX file in one way or another, or in several."""
    content = draw(idx_files())
    packings: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, zipped, tarred]
    for index in draw(st.lists(st.integers(0, len(packings) - 1), max_size=5)):
        content = packings[index](content)
    return content


@hostile
@given(st.binary() | idx_files() | damaged(idx_files()))
@example(struct.pack(">2I", 0x801, 0))
@example(struct.pack(">4I", 0x803, 0, 28, 28))
@example(struct.pack(">2IB", 0x801, 1, 10))
def test_an_idx_file_is_read_or_refused(content: bytes) -> None:
    for read, shape in ((read_images, (28, 28)), (read_digits, ())):
        array, refusal = attempt(DataError, read, content, Path("file"))
        if not refusal:
            assert array.dtype == np.uint8
            assert array.shape == (len(array), *shape)
            assert len(array) > 0
            assert shape or array.max() <= 9


@hostile
@given(st.binary() | idx_files() | damaged(packed_files()))
def test_a_folder_of_anything_is_searched(given_folder: Path, content: bytes) -> None:
    (given_folder / "file").write_bytes(content)
    remarks = originals.search(originals.files_below(given_folder), {})
    assert len(" ".join(remarks).splitlines()) <= 1


# Prepared data


def encode(digit: int, number: int, total: int, size: int = 784) -> bytes:
    """Write an example as TFDS does."""
    proto = tf_example_pb2.Example()
    proto.features.feature["image"].bytes_list.value.append(bytes(size))
    for name, value in (("digit", digit), ("number", number), ("sum", total)):
        proto.features.feature[name].int64_list.value.append(value)
    return proto.SerializeToString()


NUMBERS = fixed_numbers("test", tiny_mnist.COUNTS["test"]).tolist()
EXAMPLES = [encode(4, number, 4 + number) for number in NUMBERS]
PATHS = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
SPLITS = [
    {"name": split, "filepathTemplate": PATHS, "numBytes": "1", "shardLengths": [str(count)]}
    for split, count in tiny_mnist.COUNTS.items()
]
INFO = {"name": "mnist_sum", "version": "1.0.0", "fileFormat": "array_record", "splits": SPLITS}


@pytest.fixture
def prepared(given_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a tiny MNIST and name the folder of its files."""
    tiny_mnist.write_files(given_folder / "manual")
    tiny_mnist.register(monkeypatch)
    load("mnist", given_folder, given_folder / "manual")
    return given_folder / "mnist_sum" / "1.0.0"


def assert_loads_or_refuses(folder: Path) -> None:
    """Load a prepared data set, and assert that it is what `load` promises or one sentence."""
    (folder / "arrays.npz").unlink(missing_ok=True)
    splits, refusal = attempt(DataError, load, "mnist", folder.parents[1])
    if refusal:
        assert refusal.endswith(f"delete {folder} to have it prepared again.")
        assert not (folder / "arrays.npz").exists()
        return
    for split, dataset in splits._asdict().items():
        assert isinstance(dataset, Dataset)
        assert len(dataset.image) == tiny_mnist.COUNTS[split]
        assert dataset.image.dtype == np.uint8
        assert dataset.digit.dtype == dataset.number.dtype == np.int32
        check_examples(split, dataset)


EXAMPLE = EXAMPLES[0]
anywhere = st.integers(0, len(EXAMPLE))
mutated = st.one_of(
    damaged(st.just(EXAMPLE)),
    st.binary(max_size=20),
    st.builds(lambda i, new: EXAMPLE[:i] + new + EXAMPLE[i:], anywhere, st.binary(max_size=3)),
    st.builds(lambda i, n: EXAMPLE[:i] + EXAMPLE[i + n :], anywhere, st.integers(1, 9)),
    st.builds(encode, *[st.integers(-30, 300)] * 3),
    st.builds(lambda d: encode(d, NUMBERS[0], d + NUMBERS[0]), st.integers(0, 11)),
    st.builds(lambda size: encode(4, NUMBERS[0], 4 + NUMBERS[0], size), st.integers(0, 800)),
)


@hostile
@given(mutated)
def test_a_prepared_example_is_read_or_refused(prepared: Path, record: bytes) -> None:
    path = prepared / "mnist_sum-test.array_record-00000-of-00001"
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for content in [record, *EXAMPLES[1:]]:
        writer.write(content)
    writer.close()
    assert_loads_or_refuses(prepared)


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
documents = st.recursive(
    values | st.sampled_from([SPLITS, "train", "3"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*INFO, "shardLengths", "filepathTemplate"]), inner),
        st.builds(INFO.__or__, st.dictionaries(st.sampled_from([*INFO]), inner, min_size=1)),
        st.builds(
            lambda change: INFO | {"splits": [SPLITS[0], SPLITS[1] | change]},
            st.dictionaries(st.sampled_from([*SPLITS[0]]), inner, min_size=1),
        ),
    ),
)


@hostile
@given(documents.map(json.dumps).map(str.encode) | damaged(st.just(json.dumps(INFO).encode())))
@example(json.dumps(INFO).encode())
@example(b'{"splits": [{"name": "train", "shardLengths": [Infinity]}]}')
def test_a_description_of_prepared_data_is_read_or_refused(prepared: Path, info: bytes) -> None:
    (prepared / "dataset_info.json").write_bytes(info)
    assert_loads_or_refuses(prepared)


@hostile
@given(state=st.data())
def test_damaged_arrays_are_made_again(prepared: Path, state: st.DataObject) -> None:
    path = prepared / "arrays.npz"
    whole = path.read_bytes()
    path.write_bytes(state.draw(damaged(st.just(whole)) | st.binary()))
    splits = load("mnist", prepared.parents[1])
    for split, dataset in splits._asdict().items():
        np.testing.assert_array_equal(dataset.image, tiny_mnist.arrays(split)[0])
    path.write_bytes(whole)


# The embedded sample


def write_sample(path: Path, **changes: Any) -> bytes:
    """Write a file like that of the sample, of one image a split, with some arrays changed."""
    whole = {"image": np.zeros((1, 28, 28), np.uint8), "digit": np.array([4], np.uint8)}
    whole["number"] = np.array([3], np.uint8)
    arrays = {f"{split}_{name}": x for split in Splits._fields for name, x in whole.items()}
    np.savez(path, **(arrays | changes))
    return path.read_bytes()


@pytest.fixture
def sample_file(given_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a file into the place of the sample."""
    path = given_folder / "sample.npz"
    monkeypatch.setattr(data_module, "SAMPLE_FILE", path)
    return path


@hostile
@given(state=st.data())
def test_a_damaged_sample_is_read_or_refused(sample_file: Path, state: st.DataObject) -> None:
    whole = write_sample(sample_file)
    sample_file.write_bytes(state.draw(damaged(st.just(whole)) | st.binary()))
    splits, refusal = attempt(DataError, load, "sample")
    if refusal:
        assert refusal.startswith(f"{sample_file} is damaged (")
    else:
        for split, dataset in splits._asdict().items():
            check_examples(split, dataset)


class Trap:
    """What would write a file if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:  # noqa: D105
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_digit": np.array([Trap()])}, "ValueError: Object arrays cannot be loaded"),
        ({"train_image": np.zeros((1, 28, 28))}, "TypeError: Cannot cast array data"),
        ({"train_image": np.zeros((1, 28, 27), np.uint8)}, r"train\.image is uint8\[1, 28, 27\]"),
        (
            {"test_digit": np.array([10], np.uint8)},
            "InputError: test.digit holds 10, expected 0 .. 9.",
        ),
        ({"test_number": np.array(["3"])}, "TypeError: Cannot cast array data"),
        (
            {"test_number": np.array([3, 3], np.uint8)},
            r"test\.number is int32\[2\], expected .* \[1\]",
        ),
    ],
)
def test_a_sample_of_other_arrays_is_refused(
    sample_file: Path, change: dict[str, np.ndarray], message: str
) -> None:
    write_sample(sample_file, **change)
    _, refusal = attempt(DataError, load, "sample")
    assert re.search(message, refusal)
    assert not Path("trapped").exists()


def test_a_pickle_in_the_place_of_the_sample_is_not_loaded(sample_file: Path) -> None:
    np.array([Trap()]).dump(sample_file)
    with pytest.raises(DataError, match=r"is damaged .*: install mnist_sum again"):
        load("sample")
    assert not Path("trapped").exists()


def test_a_missing_sample_is_one_sentence(sample_file: Path) -> None:
    with pytest.raises(DataError, match=r"is damaged \(FileNotFoundError: .*: install"):
        load("sample")


# Command lines

OPTIONS = [f"--{name.replace('_', '-')}" for name in FIELDS]
OPTIONS += ["--config", "--data-dir", "--manual-dir", "--no-nesterov", "--help", "-h", "--", "-"]
VALUES = ["3", "-1", "nan", "inf", "1e999", "9" * 5000, "", "None", "sample", "smoke", "a\nb"]
words = st.sampled_from(OPTIONS) | st.sampled_from(VALUES) | st.text(max_size=5)
pairs = st.builds("{}={}".format, st.sampled_from(OPTIONS), st.sampled_from(VALUES) | st.text())


@hostile
@given(st.lists(words | pairs, max_size=5))
@example(["--config=--"])
@example(["--learning-rate", "9" * 400])
def test_a_command_line_is_parsed_or_refused(line: list[str]) -> None:
    try:
        parsed, refusal = attempt((UsageError, RecipeError), parse, ConfigOptions, "run", line)
    except SystemExit as stop:
        parsed, refusal = stop.code, ""
    assert refusal or parsed == 0 or isinstance(parsed[1].config, Config)
    assert refusal or parsed != 0 or {"--help", "-h"} & set(line)


# Arrays

KINDS = ["u1", "i4", "f4", ">i4", ">f4", "O", "g", "U1"]
dtypes = st.one_of(npst.scalar_dtypes(), st.sampled_from([np.dtype(kind) for kind in KINDS]))
sides = st.sampled_from(
    [(2,), (2,), (2, 28, 28), (2, 28, 28), (0,), (), (0, 28, 28), (2, 28), (3,)]
)


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Make an array of any dtype, of a shape that may fit, of one value that may fit."""
    shape, dtype = draw(sides), draw(dtypes)
    value = draw(st.sampled_from([0, 1, 9, 10, 100]))
    array = np.zeros(shape, dtype) if dtype.kind in "mMSUV" else np.full(shape, value, dtype)
    if draw(st.booleans()) and array.dtype in (np.uint8, np.int32, np.float32):
        return jnp.asarray(array)
    return draw(st.sampled_from([array, array, array, array.tolist(), None, "image"]))


def whole(dtype: Any = np.uint8, digit: int = 9, count: int = 2) -> dict[str, np.ndarray]:
    """Make the fields of a dataset in order."""
    digits = np.full(count, digit, dtype)
    return {"image": np.zeros((count, 28, 28), dtype), "digit": digits, "number": digits}


wholes = st.builds(whole, dtypes.filter(lambda x: x.kind in "iuf"), st.integers(0, 12))
changes = st.dictionaries(st.sampled_from(Dataset._fields), arrays(), max_size=1)
datasets = st.builds(lambda fields, change: Dataset(**(fields | change)), wholes, changes)
integral = st.builds(lambda change: Dataset(**(whole() | change)), changes)


@hostile
@given(datasets | integral | st.tuples(arrays(), arrays(), arrays()) | anything)
@example(Dataset(**whole(digit=10)))
@example(Dataset(**whole(">i4")))
@example(Dataset(**whole(count=0)))
def test_a_dataset_is_taken_or_refused(dataset: Any) -> None:
    _, refusal = attempt(InputError, check_examples, "dataset", dataset)
    if refusal:
        assert re.match("dataset.* (is|holds) .*, expected .*", refusal)
        return
    image, digit, number = jax.tree.map(jnp.asarray, dataset)
    count = len(image)
    assert count > 0
    assert image.shape == (count, 28, 28)
    assert image.dtype.kind in "iuf"
    for values, given_values in ((digit, dataset.digit), (number, dataset.number)):
        assert values.shape == (count,)
        assert values.dtype.kind in "iu"
        if isinstance(given_values, np.ndarray):
            assert set(values.tolist()) <= set(range(10))
