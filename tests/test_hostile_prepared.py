"""Hostile prepared data: it loads as it was, or is refused with one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordWriter
from hypothesis import example, given
from hypothesis import strategies as st
from tensorflow_datasets.proto import tf_example_pb2

from mnist_sum.data import Dataset, load
from mnist_sum.data.numbers import fixed_numbers
from mnist_sum.errors import DataError
from mnist_sum.inputs import check_examples
from tests import hostile_input, tiny_mnist
from tests.hostile_input import attempt, damaged, hostile

given_folder = hostile_input.given_folder


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
