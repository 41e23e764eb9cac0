"""What `load` returns of the sample and of MNIST, and where it looks for them."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_sum.data import Dataset, Splits, load
from mnist_sum.data import dataset as data_module
from mnist_sum.data.dataset import SAMPLE_FILE
from mnist_sum.data.dataset import fixed_numbers
from mnist_sum.errors import DataError
from tests import tiny_mnist
from tests.hostile_input import attempt, damaged, hostile

tiny = tiny_mnist.tiny

ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"


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


def test_the_sample_needs_nothing_that_prepares_mnist() -> None:
    code = (
        "import sys\n"
        "for name in ('tensorflow_datasets', 'array_record', 'filelock', 'requests'):\n"
        "    sys.modules[name] = None\n"
        "from mnist_sum.data import DataError, load\n"
        "load('sample')\n"
        "try:\n"
        "    load('fashion')\n"
        "except DataError as error:\n"
        "    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout == "There is no data set 'fashion', expected 'mnist' or 'sample'.\n"


@pytest.mark.parametrize("variable", ["TFDS_DATA_DIR", "HOME"])
def test_the_data_folder_is_where_tfds_has_it(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    tiny_mnist.write_files(tiny / "tensorflow_datasets" / "downloads" / "manual")
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    value = {"TFDS_DATA_DIR": tiny / "tensorflow_datasets", "HOME": tiny}[variable]
    monkeypatch.setenv(variable, str(value))
    assert len(load("mnist").train.image) == 30
    assert (tiny / "tensorflow_datasets" / "mnist_sum" / "2.0.0").is_dir()


def test_a_home_folder_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DataError, match="There is no home folder for ~nobody-here/x: name another"):
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


@pytest.fixture
def sample_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a file in the place of the sample, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_module, "SAMPLE_FILE", tmp_path / "sample.npz")
    return tmp_path / "sample.npz"


def write_sample(path: Path, **changes: Any) -> bytes:
    """Write a file like that of the sample, of one image a split, with some arrays changed."""
    whole = {"image": np.zeros((1, 28, 28), np.uint8), "digit": np.array([4], np.uint8)}
    whole["number"] = np.array([3], np.uint8)
    arrays = {f"{split}_{name}": x for split in Splits._fields for name, x in whole.items()}
    np.savez(path, **(arrays | changes))
    return path.read_bytes()


@hostile
@given(state=st.data())
def test_a_damaged_sample_is_read_or_refused(sample_file: Path, state: st.DataObject) -> None:
    whole = write_sample(sample_file)
    sample_file.write_bytes(state.draw(damaged(st.just(whole)) | st.binary()))
    splits, refusal = attempt(DataError, load, "sample")
    if refusal:
        assert refusal.startswith(f"{sample_file} cannot be read (")
        assert refusal.endswith("): check that you may read it, or install mnist_sum again.")
    else:
        for dataset in splits:
            assert dataset.image.tolist() == np.zeros((1, 28, 28)).tolist()
            assert (dataset.digit.tolist(), dataset.number.tolist()) == ([4], [3])


class Trap:
    """What would write a file if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:  # noqa: D105
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: None, "FileNotFoundError"),
        (lambda path: np.array([Trap()]).dump(path), "ValueError"),
        (partial(write_sample, train_digit=np.array([Trap()])), "ValueError: Object arrays cannot"),
        (partial(write_sample, train_image=np.zeros((1, 28, 28))), "TypeError: Cannot cast array"),
        (
            partial(write_sample, train_image=np.zeros((1, 28, 27), np.uint8)),
            "InputError: train.image is uint8[1, 28, 27], expected",
        ),
        (
            partial(write_sample, test_digit=np.array([10], np.uint8)),
            "InputError: test.digit holds 10, expected 0 .. 9):",
        ),
        (partial(write_sample, test_number=np.array(["3"])), "TypeError: Cannot cast array data"),
        (
            partial(write_sample, test_number=np.array([3, 3], np.uint8)),
            "InputError: test.number is int32[2], expected",
        ),
    ],
)
def test_another_file_in_the_place_of_the_sample_is_refused(
    sample_file: Path, write: Callable[[Path], object], reason: str
) -> None:
    write(sample_file)
    _, refusal = attempt(DataError, load, "sample")
    assert refusal.startswith(f"{sample_file} cannot be read ({reason}")
    assert not Path("trapped").exists()
