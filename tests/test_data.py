"""What `load` returns, and what it says of data that is damaged."""

import hashlib
import json
import subprocess
import sys
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

from mnist_sum.data import DataError, Dataset, Splits, load
from mnist_sum.data.builder import MnistSumBuilder, fixed_numbers
from mnist_sum.data.dataset import SAMPLE_FILE
from tests import tiny_mnist

ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"
RECORDS = "mnist_sum-test.array_record-00000-of-00001"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a tiny MNIST in a data folder."""
    files = tiny_mnist.write_files(tmp_path / "manual")
    monkeypatch.setattr(MnistSumBuilder, "url_infos", files)
    load("mnist", tmp_path / "data", tmp_path / "manual")
    return tmp_path / "data"


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """Name the folder of the prepared files."""
    return data_dir / "mnist_sum" / "1.0.0"


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
        "sys.modules['tensorflow_datasets'] = sys.modules['filelock'] = None\n"
        "from mnist_sum.data import DataError, load\n"
        "load('sample')\n"
        "assert 'array_record' not in sys.modules\n"
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
    with pytest.raises(DataError, match="The data folder ~nobody-here/x cannot be used: "):
        load("mnist", "~nobody-here/x")


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
    data_dir: Path, folder: Path, name: str, content: bytes | None
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir)
    if content != b'{"splits": []}':
        assert str(caught.value).startswith(f"{folder / name} is damaged (")
    assert str(caught.value).endswith(f"): delete {folder} to have it prepared again.")
    assert "\n" not in str(caught.value)


def test_missing_examples_are_noticed(data_dir: Path, folder: Path) -> None:
    path = folder / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][1]["shardLengths"] = ["21"]
    path.write_text(json.dumps(info))
    with pytest.raises(DataError, match="it holds 20 examples, expected 21"):
        load("mnist", data_dir)


def example(**changes: bytes | int | None) -> bytes:
    """Serialise an example as TFDS does, with some of its features changed or left out."""
    features = {"image": bytes(784), "digit": 4, "number": 3, "sum": 7} | changes
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
        (example(digit=10, sum=13), "a digit, number or sum is out of range"),
        (example(number=10, sum=14), "a digit, number or sum is out of range"),
        (example(sum=8), "a digit, number or sum is out of range"),
        (example(digit=300), "1 examples are not of the expected format"),
        (example(digit=None), "1 examples are not of the expected format"),
        (example(image=bytes(783)), "1 examples are not of the expected format"),
        (example(extra=1), "1 examples are not of the expected format"),
        (b"", "1 examples are not of the expected format"),
        (example() + b"\0", "1 examples are not of the expected format"),
        (example().replace(b"\x0f\n\x06number", b"\x0e\n\x05digit"), "TypeError"),
    ],
)
def test_records_of_something_else_are_refused(
    data_dir: Path, folder: Path, record: bytes, message: str
) -> None:
    writer = ArrayRecordWriter(str(folder / RECORDS), "group_size:1")
    for content in [example()] * 19 + [record]:
        writer.write(content)
    writer.close()
    with pytest.raises(DataError, match=message):
        load("mnist", data_dir)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_noticed_or_does_not_matter(
    data_dir: Path, folder: Path, data: st.DataObject
) -> None:
    path = folder / RECORDS
    content = bytearray(path.read_bytes())
    expected = load("mnist", data_dir)
    position = data.draw(st.integers(0, len(content) - 1))
    changed = content.copy()
    changed[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        with suppress(DataError):
            jax.tree.map(np.testing.assert_array_equal, load("mnist", data_dir), expected)
    finally:
        path.write_bytes(content)


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
