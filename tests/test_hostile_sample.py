"""Hostile files in the place of the embedded sample: read, or refused with one sentence."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_sum.data import Splits, load
from mnist_sum.data import dataset as data_module
from mnist_sum.errors import DataError
from mnist_sum.inputs import check_examples
from tests import hostile_input
from tests.hostile_input import attempt, damaged, hostile

given_folder = hostile_input.given_folder


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
