"""What `load` returns, and what it says of data that is damaged."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_datasets.proto import tf_example_pb2

from mnist_sum.data import DataError, Dataset, Splits, builder, load
from mnist_sum.data.arrays import read_arrays, write_arrays
from mnist_sum.data.dataset import SAMPLE_FILE
from mnist_sum.data.numbers import fixed_numbers
from tests import tiny_mnist

ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"
ARRAYS = "arrays.npz"
RECORDS = "mnist_sum-test.array_record-00000-of-00001"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a tiny MNIST in a data folder."""
    tiny_mnist.write_files(tmp_path / "manual")
    tiny_mnist.register(monkeypatch)
    load("mnist", tmp_path / "data", tmp_path / "manual")
    return tmp_path / "data"


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """Name the folder of the prepared files."""
    return data_dir / "mnist_sum" / "1.0.0"


@pytest.fixture
def records_only(folder: Path) -> Path:
    """Remove the arrays that are kept, as if a version before them had prepared the data set."""
    (folder / ARRAYS).unlink()
    return folder


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """Load the whole of MNIST, where the original files are at hand."""
    if not ORIGINAL_FILES.is_dir():
        pytest.skip(f"the four original files are not in {ORIGINAL_FILES}")
    return load("mnist", tmp_path_factory.mktemp("data"), ORIGINAL_FILES)


def assert_types(dataset: Dataset, count: int) -> None:
    """Assert what the annotations of Dataset say."""
    assert dataset.image.shape == (count, 28, 28)
    assert dataset.digit.shape == dataset.number.shape == (count,)
    assert dataset.image.dtype == np.uint8
    assert dataset.digit.dtype == dataset.number.dtype == np.int32


def test_sample_has_400_and_100_images_of_each_digit() -> None:
    train, test = load("sample")
    assert_types(train, 4000)
    assert_types(test, 1000)
    assert np.bincount(train.digit).tolist() == [400] * 10
    assert np.bincount(test.digit).tolist() == [100] * 10
    assert train.digit[:20].tolist() == [*range(10)] * 2


def test_sample_tests_on_other_images_than_it_trains_on() -> None:
    train, test = load("sample")
    assert len({image.tobytes() for image in (*train.image, *test.image)}) == 5000


def test_sample_numbers_are_drawn_as_those_of_mnist() -> None:
    train, test = load("sample")
    np.testing.assert_array_equal(train.number, fixed_numbers("train", 4000))
    np.testing.assert_array_equal(test.number, fixed_numbers("test", 1000))


def test_sample_is_the_file_that_its_readme_describes() -> None:
    sha256 = hashlib.sha256(SAMPLE_FILE.read_bytes()).hexdigest()
    assert sha256 in SAMPLE_FILE.with_name("README.md").read_text()


def test_sample_images_are_of_mnist(mnist: Splits) -> None:
    train_images = {image.tobytes() for image in mnist.train.image}
    for dataset in load("sample"):
        assert {image.tobytes() for image in dataset.image} <= train_images


def test_sample_and_prepared_data_load_without_tfds(data_dir: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('tensorflow_datasets', 'array_record', 'filelock', 'requests'):\n"
        "    sys.modules[name] = None\n"
        "from mnist_sum.data import DataError, load\n"
        "load('sample')\n"
        f"load('mnist', {str(data_dir)!r})\n"
        "try:\n"
        "    load('fashion')\n"
        "except DataError as error:\n"
        "    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout == "There is no data set 'fashion', expected 'mnist' or 'sample'.\n"


def test_tfds_itself_reads_the_same(data_dir: Path) -> None:
    splits = load("mnist", data_dir)
    source = tfds.data_source("mnist_sum", data_dir=data_dir, download=False)
    for split, dataset in splits._asdict().items():
        assert len(source[split]) == len(dataset.image)
        for index, example in enumerate(source[split]):
            np.testing.assert_array_equal(example["image"], dataset.image[index])
            assert example["digit"] == dataset.digit[index]
            assert example["number"] == dataset.number[index]
            assert example["sum"] == dataset.digit[index] + dataset.number[index]


@pytest.mark.parametrize("variable", ["TFDS_DATA_DIR", "HOME"])
def test_the_data_folder_is_where_tfds_has_it(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    data_dir.rename(tmp_path / "tensorflow_datasets")
    value = {"TFDS_DATA_DIR": tmp_path / "tensorflow_datasets", "HOME": tmp_path}[variable]
    monkeypatch.setenv(variable, str(value))
    assert len(load("mnist").train.image) == 30


def test_a_home_folder_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(
        DataError, match=r"The data folder ~nobody-here/x cannot be used: .*[^.]\.$"
    ):
        load("mnist", "~nobody-here/x")


@pytest.mark.parametrize("option", ["data_dir", "manual_dir", "TFDS_DATA_DIR"])
@pytest.mark.parametrize("address", ["gs://bucket/data", Path("s3://bucket"), "file:///data"])
def test_an_address_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, address: str | Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"data_dir": str(tmp_path), option: address}
    if option == "TFDS_DATA_DIR":
        monkeypatch.setenv(option, str(address))
        options = {}
    with pytest.raises(DataError) as caught:
        load("mnist", **options)
    expected = "is an address, expected a folder of this machine: copy or mount it."
    assert str(caught.value) == f"The folder {address} {expected}"
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_fed_is_kept(folder: Path) -> None:
    kept = read_arrays(folder / ARRAYS)
    assert str(kept.pop("version")) == "1.0.0"
    assert {name: (x.dtype.name, len(x)) for name, x in kept.items()} == {
        f"{split}_{field}": ("uint8", count)
        for split, count in (("train", 30), ("test", 20))
        for field in ("image", "digit", "number")
    }


def test_a_data_set_without_arrays_is_read_once(
    data_dir: Path, records_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load("mnist", data_dir)
    monkeypatch.setattr(builder, "read_prepared", lambda _: pytest.fail("reads it again"))
    jax.tree.map(np.testing.assert_array_equal, load("mnist", data_dir), first)


def test_arrays_suffice(data_dir: Path, folder: Path) -> None:
    expected = load("mnist", data_dir)
    for path in folder.iterdir():
        if path.name != ARRAYS:
            path.unlink()
    jax.tree.map(np.testing.assert_array_equal, load("mnist", data_dir), expected)


def test_arrays_that_cannot_be_kept_are_read_each_time(
    data_dir: Path, records_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(load("mnist", data_dir).train.image) == 30
    assert len(load("mnist", data_dir).train.image) == 30
    assert [path.name for path in records_only.iterdir() if ARRAYS in path.name] == []


def test_what_a_killed_process_left_is_removed(data_dir: Path, records_only: Path) -> None:
    (records_only / f"{ARRAYS}.0.part").touch()
    load("mnist", data_dir)
    assert [path.name for path in records_only.glob(f"{ARRAYS}*")] == [ARRAYS]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4"])
def test_damaged_arrays_are_named_and_made_again(
    data_dir: Path, folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    expected = load("mnist", data_dir)
    (folder / ARRAYS).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        jax.tree.map(np.testing.assert_array_equal, load("mnist", data_dir), expected)
    (message,) = caplog.messages
    assert message.startswith(f"{folder / ARRAYS} is damaged (BadZipFile: ")
    assert message.endswith("): it is made again.")
    caplog.clear()
    load("mnist", data_dir)
    assert caplog.messages == []


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_byte_of_the_arrays_is_noticed_or_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = {"image": np.arange(6, dtype=np.uint8).reshape(3, 2), "version": np.array("1.0.0")}
    path = tmp_path_factory.getbasetemp() / ARRAYS
    write_arrays(path, whole)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
    try:
        found = read_arrays(path)
    except Exception:
        return
    for name in whole.keys() & found.keys():  # a missing one is noticed
        np.testing.assert_array_equal(found[name], whole[name])


def test_arrays_of_another_version_are_noticed(data_dir: Path, folder: Path) -> None:
    kept = read_arrays(folder / ARRAYS)
    write_arrays(folder / ARRAYS, kept | {"version": np.array("2.0.0")})
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir)
    assert str(caught.value) == (
        f"{folder / ARRAYS} is of version 2.0.0 of the data set, expected 1.0.0: "
        f"delete {folder} to have it prepared again."
    )


@pytest.mark.parametrize(
    ("name", "found", "other"),
    [
        ("dataset_info.json", "1.0.0", "1.0.1"),
        ("features.json", "int32", "int64"),
        ("features.json", '"28"', '"32"'),
    ],
)
def test_records_of_another_version_are_noticed(
    data_dir: Path, records_only: Path, name: str, found: str, other: str
) -> None:
    path = records_only / name
    assert found in path.read_text()
    path.write_text(path.read_text().replace(found, other))
    with pytest.raises(DataError, match=f"{records_only} holds another version of the "):
        load("mnist", data_dir)


def test_records_of_other_numbers_are_noticed(
    data_dir: Path, records_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(builder, "fixed_numbers", lambda _, count: np.arange(count) % 10)
        with pytest.raises(DataError, match="holds other numbers than are drawn"):
            load("mnist", data_dir)
    assert len(load("mnist", data_dir).train.image) == 30


@pytest.mark.parametrize("name", [ARRAYS, RECORDS, "dataset_info.json"])
@pytest.mark.parametrize(
    ("replace", "reason"),
    [
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (Path.mkdir, "Is a directory"),
    ],
)
def test_what_the_system_refuses_to_read_is_not_called_damaged(
    data_dir: Path,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    replace: Callable[[Path], None],
    reason: str,
) -> None:
    (folder / ARRAYS).unlink()
    (folder / name).unlink(missing_ok=True)
    replace(folder / name)
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir)
    assert str(caught.value) == f"{folder / name} cannot be read: {reason}."
    assert caplog.messages == []


def test_a_process_that_reads_the_arrays_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / ARRAYS
    path.write_bytes(b"as it was")
    with path.open("rb") as file:
        write_arrays(path, {"digit": np.zeros(3, np.uint8)})
        assert file.read() == b"as it was"
    assert read_arrays(path)["digit"].tolist() == [0, 0, 0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", [ARRAYS, RECORDS])
def test_a_missing_permission_is_not_called_damage(data_dir: Path, folder: Path, name: str) -> None:
    (folder / name).chmod(0)
    if name == RECORDS:
        (folder / ARRAYS).unlink()
    with pytest.raises(DataError, match=f"{folder / name} cannot be read: Permission denied"):
        load("mnist", data_dir)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (RECORDS, None),
        (RECORDS, b""),
        (RECORDS, b"no records" * 10_000),
        ("dataset_info.json", None),
        ("dataset_info.json", b""),
        ("dataset_info.json", b"\xff"),
        ("dataset_info.json", b"[]"),
        ("dataset_info.json", b'{"splits": [1]}'),
        ("dataset_info.json", b'{"splits": []}'),
    ],
)
def test_a_damaged_file_is_named(
    data_dir: Path, records_only: Path, name: str, content: bytes | None
) -> None:
    (records_only / name).unlink()
    if content is not None:
        (records_only / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir)
    if content != b'{"splits": []}':
        assert str(caught.value).startswith(f"{records_only / name} is damaged (")
    assert str(caught.value).endswith(f"): delete {records_only} to have it prepared again.")
    assert "\n" not in str(caught.value)


def test_missing_examples_are_noticed(data_dir: Path, records_only: Path) -> None:
    path = records_only / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][1]["shardLengths"] = ["21"]
    path.write_text(json.dumps(info))
    with pytest.raises(DataError, match="it holds 20 examples, expected 21"):
        load("mnist", data_dir)


NUMBERS = fixed_numbers("test", 20).tolist()
LAST = NUMBERS[-1]


def example(number: int = LAST, **changes: bytes | int | None) -> bytes:
    """Serialise an example as TFDS does, with some of its features changed or left out."""
    features = {"image": bytes(784), "digit": 4, "number": number, "sum": 4 + number} | changes
    proto = tf_example_pb2.Example()
    for name, value in features.items():
        if isinstance(value, bytes):
            proto.features.feature[name].bytes_list.value.append(value)
        elif value is not None:
            proto.features.feature[name].int64_list.value.append(value)
    return proto.SerializeToString()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (example(digit=10, sum=10 + LAST), "a digit or a sum is out of range"),
        (example(sum=5 + LAST), "a digit or a sum is out of range"),
        (example((LAST + 1) % 10), "holds other numbers than are drawn for version 1.0.0"),
        (example(10), "holds other numbers than are drawn for version 1.0.0"),
        (example(digit=300), "OverflowError"),
        (example(digit=None), "is damaged"),
        (example(image=bytes(783)), "ValueError: cannot reshape array of size 783"),
        (b"", "is damaged"),
        (example() + b"\0", "DecodeError"),
        (example()[:-1], "DecodeError"),
    ],
)
def test_records_of_something_else_are_refused(
    data_dir: Path, records_only: Path, record: bytes, message: str
) -> None:
    writer = ArrayRecordWriter(str(records_only / RECORDS), "group_size:1")
    for content in [*map(example, NUMBERS[:-1]), record]:
        writer.write(content)
    writer.close()
    with pytest.raises(DataError, match=message) as caught:
        load("mnist", data_dir)
    assert str(caught.value).endswith(f"delete {records_only} to have it prepared again.")
    assert "\n" not in str(caught.value)
    assert not (records_only / ARRAYS).exists()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_noticed_or_does_not_matter(
    data_dir: Path, records_only: Path, data: st.DataObject
) -> None:
    path = records_only / RECORDS
    content = bytearray(path.read_bytes())
    expected = load("mnist", data_dir)
    (records_only / ARRAYS).unlink()
    position = data.draw(st.integers(0, len(content) - 1))
    changed = content.copy()
    changed[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        with suppress(DataError):
            jax.tree.map(np.testing.assert_array_equal, load("mnist", data_dir), expected)
    finally:
        path.write_bytes(content)
        (records_only / ARRAYS).unlink(missing_ok=True)


def test_mnist_is_whole_and_in_its_original_order(mnist: Splits) -> None:
    assert_types(mnist.train, 60_000)
    assert_types(mnist.test, 10_000)
    assert mnist.train.digit[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.digit[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(mnist.train.digit).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    np.testing.assert_allclose(mnist.train.image.mean(), 33.318, atol=5e-4)
    np.testing.assert_allclose(mnist.train.image.std(), 78.567, atol=5e-4)
