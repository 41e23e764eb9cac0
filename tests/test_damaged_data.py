"""What `load` says of prepared data that is damaged, of another version or cannot be read."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_datasets.proto import tf_example_pb2

from mnist_sum.data import builder, load
from mnist_sum.data.numbers import fixed_numbers
from mnist_sum.errors import DataError
from tests import prepared
from tests.prepared import ARRAYS, RECORDS

data_dir, folder, records_only = prepared.data_dir, prepared.folder, prepared.records_only


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
