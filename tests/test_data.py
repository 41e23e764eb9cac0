"""What `load` returns of the sample and of MNIST, and where it looks for them."""

import hashlib
from pathlib import Path

import jax
import numpy as np
import pytest

from mnist_sum.data import dataset as data_module
from mnist_sum.data import load
from mnist_sum.data.dataset import SAMPLE_FILE, fixed_numbers
from mnist_sum.errors import DataError
from tests import tiny_mnist
from tests.commands import run_python
from tests.hostile_input import attempt

tiny = tiny_mnist.tiny

DATA = "tensorflow_datasets"
ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """Load the whole of MNIST, where the original files are at hand."""
    if not ORIGINAL_FILES.is_dir():
        pytest.skip(f"the four original files are not in {ORIGINAL_FILES}")
    return load("mnist", tmp_path_factory.mktemp("data"), ORIGINAL_FILES)


def assert_types(dataset, count):
    assert dataset.image.shape == (count, 28, 28)
    assert dataset.digit.shape == dataset.number.shape == (count,)
    assert dataset.image.dtype == np.uint8
    assert dataset.digit.dtype == dataset.number.dtype == np.int32


def test_sample_has_400_and_100_images_of_each_digit_all_different():
    sample = load("sample")
    for (split, dataset), per_digit in zip(sample._asdict().items(), (400, 100), strict=True):
        assert_types(dataset, 10 * per_digit)
        assert np.bincount(dataset.digit).tolist() == [per_digit] * 10
        assert dataset.digit[:20].tolist() == [*range(10)] * 2
        np.testing.assert_array_equal(dataset.number, fixed_numbers(split, 10 * per_digit))
    images = {image.tobytes() for dataset in sample for image in dataset.image}
    assert len(images) == 5000


def test_sample_is_the_file_that_its_readme_describes():
    sha256 = hashlib.sha256(SAMPLE_FILE.read_bytes()).hexdigest()
    assert sha256 in SAMPLE_FILE.with_name("README.md").read_text()


def test_sample_is_the_first_500_images_of_each_digit_that_mnist_trains_on(mnist):
    digit = mnist.train.digit
    rows = np.stack([np.flatnonzero(digit == value)[:500] for value in range(10)], axis=1)
    for dataset, part in zip(load("sample"), (rows[:400], rows[400:]), strict=True):
        assert (dataset.image == mnist.train.image[part.ravel()]).all()


def test_mnist_is_whole_and_in_its_original_order(mnist):
    assert_types(mnist.train, 60_000)
    assert_types(mnist.test, 10_000)
    assert mnist.train.digit[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.digit[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(mnist.train.digit).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    np.testing.assert_allclose(mnist.train.image.mean(), 33.318, atol=5e-4)
    np.testing.assert_allclose(mnist.train.image.std(), 78.567, atol=5e-4)


NEEDS_NOTHING = """
import sys
for name in ("tensorflow_datasets", "array_record", "filelock", "requests"):
    sys.modules[name] = None
from mnist_sum.data import load
from mnist_sum.errors import DataError
load("sample")
try:
    load("fashion")
except DataError as error:
    print(error)
"""


def test_the_sample_needs_nothing_that_prepares_mnist():
    sentence = "There is no data set 'fashion', expected 'mnist' or 'sample'.\n"
    assert run_python(NEEDS_NOTHING) == (sentence, "", 0)


@pytest.mark.parametrize(("variable", "folder"), [("TFDS_DATA_DIR", DATA), ("HOME", "")])
def test_the_data_folder_is_where_tfds_has_it(tiny, monkeypatch, variable, folder):
    tiny_mnist.write_packed(tiny / DATA / "downloads" / "manual")
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv(variable, str(tiny / folder))
    assert len(load("mnist").train.image) == 30
    assert (tiny / DATA / "mnist_sum" / "2.0.0").is_dir()


@pytest.mark.parametrize("option", ["data_dir", "manual_dir", "TFDS_DATA_DIR"])
@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("gs://bucket/data", "gs://bucket/data must be a path on this machine: copy or mount what"),
        (Path("s3://bucket"), "s3:/bucket must be a path on this machine"),
        ("file:///data", "file:///data must be a path on this machine"),
        ("~nobody-here/x", "~nobody-here/x names a home folder that does not exist."),
    ],
)
def test_a_folder_of_nowhere_is_refused(tmp_path, monkeypatch, option, folder, sentence):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder if option == "TFDS_DATA_DIR" else tmp_path))
    with pytest.raises(DataError, match=f"^{sentence}"):
        load("mnist", **({} if option == "TFDS_DATA_DIR" else {option: folder}))
    assert list(tmp_path.iterdir()) == []


class Trap:
    """What would write a file if it were unpickled."""

    def __reduce__(self):  # noqa: D105
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_digit": np.array([Trap()])}, "ValueError: Object arrays cannot"),
        ({"train_image": np.zeros((1, 28, 28))}, "TypeError: Cannot cast array"),
        ({"train_image": np.zeros((1, 28, 27), np.uint8)}, "InputError: train.image is uint8[1, 2"),
        ({"test_digit": np.array([10], np.uint8)}, "InputError: test.digit holds 10, expected 0 "),
        ({"test_number": np.array(["3"])}, "TypeError: Cannot cast array data"),
        ({"test_number": np.array([3, 3], np.uint8)}, "InputError: test.number is int32[2], exp"),
        (lambda path: path.unlink(), "FileNotFoundError"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "BadZipFile"),
        (lambda path: path.write_bytes(b"\0" * 100), "ValueError"),
        (lambda path: np.array([Trap()]).dump(path), "ValueError"),
    ],
)
def test_another_file_in_the_place_of_the_sample_is_refused(tmp_path, monkeypatch, changes, reason):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sample.npz"
    monkeypatch.setattr(data_module, "SAMPLE_FILE", path)
    whole = {"image": np.zeros((1, 28, 28), np.uint8), "digit": np.array([4], np.uint8)}
    whole["number"] = np.array([3], np.uint8)
    arrays = {f"{split}_{name}": x for split in ("train", "test") for name, x in whole.items()}
    np.savez(path, **(arrays | ({} if callable(changes) else changes)))
    if callable(changes):
        changes(path)
    _, refusal = attempt(DataError, load, "sample")
    assert refusal.startswith(f"{path} cannot be read ({reason}")
    assert refusal.endswith("): check that you may read it, or install mnist_sum again.")
    assert not Path("trapped").exists()


def test_numbers_are_drawn_once_and_for_all():
    """A change here is a change of the data set: it takes a new VERSION and a new sample."""
    for split, count, sha256 in (
        ("train", 60_000, "bf2a2fdf90e70e92ca2e4fee63006561"),
        ("test", 10_000, "f31af3faf56a73b2a1b9060ad1d28925"),
    ):
        numbers = fixed_numbers(split, count)
        assert numbers.dtype == np.int32
        assert hashlib.sha256(numbers.astype(np.uint8).tobytes()).hexdigest().startswith(sha256)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("jax_default_prng_impl", "rbg"),
        ("jax_threefry_partitionable", False),
        ("jax_random_seed_offset", 7),
        ("jax_enable_x64", True),
        ("jax_disable_jit", True),
        ("jax_transfer_guard", "disallow"),
        ("jax_numpy_dtype_promotion", "strict"),
    ],
)
def test_no_setting_of_jax_changes_a_number(setting, value):
    before = getattr(jax.config, setting)
    jax.config.update(setting, value)
    try:
        assert fixed_numbers("train", 8).tolist() == [1, 1, 7, 7, 6, 4, 7, 7]
        assert fixed_numbers("test", 8).tolist() == [2, 2, 6, 5, 1, 7, 2, 0]
    finally:
        jax.config.update(setting, before)
