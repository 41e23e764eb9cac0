"""Hostile arrays in a dataset: taken, or refused with one sentence."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnist_sum.data import Dataset
from mnist_sum.errors import InputError
from mnist_sum.inputs import check_examples
from tests import hostile_input
from tests.hostile_input import anything, attempt, hostile

given_folder = hostile_input.given_folder

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
