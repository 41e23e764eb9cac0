"""What the tests of hostile input share: what is drawn, and what a refusal is."""

from decimal import Decimal

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from experiments.configs import Config, fields_of

hostile = settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FIELDS = list(fields_of(Config()))


def attempt(errors, function, *args, **kwargs):
    """Call a function; returns its result, or what it refuses with, which must be one sentence."""
    try:
        return function(*args, **kwargs), ""
    except errors as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    assert message.endswith((".", "?"))
    return None, message


numbers = st.integers() | st.floats() | st.complex_numbers() | st.decimals()
anything = st.one_of(
    st.none() | st.booleans() | st.text() | st.binary() | numbers,
    st.sampled_from([10**400, -(10**400), 1e308, Decimal(1), object(), Config, np.float64(0.5)]),
    st.sampled_from(["sample", "fresh", "exact", np.ones((5, 20)), {"a": [1]}, {1, 2}, [[]]]),
    st.lists(st.integers(), max_size=3),
    npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=0, max_dims=2, max_side=3)),
)


@st.composite
def damaged(draw, files):
    """Cut a file short, flip bits of it, or leave it."""
    content = bytearray(draw(files))
    if content and draw(st.booleans()):
        for position in draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
            content[position] ^= 1 << draw(st.integers(0, 7))
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    return bytes(content)
