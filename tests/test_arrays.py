"""The arrays kept beside prepared records: read in their place, and made again when damaged."""

import logging
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_sum.data import builder, load
from mnist_sum.data.arrays import read_arrays, write_arrays
from mnist_sum.errors import DataError
from tests import prepared
from tests.prepared import ARRAYS

data_dir, folder, records_only = prepared.data_dir, prepared.folder, prepared.records_only


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


def test_a_process_that_reads_the_arrays_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / ARRAYS
    path.write_bytes(b"as it was")
    with path.open("rb") as file:
        write_arrays(path, {"digit": np.zeros(3, np.uint8)})
        assert file.read() == b"as it was"
    assert read_arrays(path)["digit"].tolist() == [0, 0, 0]
