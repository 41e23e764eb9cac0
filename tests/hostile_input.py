"""What the tests of hostile input share: their one folder, what is drawn, what a refusal is.

The examples are drawn the same way every time.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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


def listing(folder: Path) -> dict[str, bytes | None]:
    """Read all files below a folder, but for what hypothesis keeps."""
    paths = [path for path in folder.rglob("*") if ".hypothesis" not in path.parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture(autouse=True)
def given_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the one folder that a test may write to, and assert that no other is touched."""
    for variable in ("HOME", "XDG_CACHE_HOME", "TFDS_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / "around" / variable))
    (tmp_path / "around" / "here" / "runs").mkdir(parents=True)
    (tmp_path / "around" / "here" / "file").write_text("as it was")
    monkeypatch.chdir(tmp_path / "around" / "here")
    before = listing(tmp_path)
    folder = tmp_path / "given"
    folder.mkdir()
    yield folder
    after = {path: x for path, x in listing(tmp_path).items() if not path.startswith(str(folder))}
    assert after == before


def attempt(
    errors: type[Exception] | tuple[type[Exception], ...],
    function: Callable[..., Any],
    *args: Any,
    **kwargs: Any,
) -> tuple[Any, str]:
    """Call a function; returns its result, or what it refuses with, which must be one sentence."""
    try:
        return function(*args, **kwargs), ""
    except errors as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    assert message.endswith(".")
    return None, message


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
    st.decimals(),
    st.sampled_from(
        [10**400, -(10**400), 1e308, Decimal(1), object(), Config, np.float64(0.5), "sample"]
    ),
    st.sampled_from(
        [np.arange(100).reshape(5, 20), np.ones(3), {"a": [1]}, {1, 2}, "fresh", "exact", [[]]]
    ),
    st.lists(st.integers(), max_size=3),
    npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=0, max_dims=2, max_side=3)),
)


@st.composite
def damaged(draw: st.DrawFn, files: st.SearchStrategy[bytes]) -> bytes:
    """Cut a file short, flip bits of it, or leave it."""
    content = bytearray(draw(files))
    if content and draw(st.booleans()):
        for position in draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
            content[position] ^= 1 << draw(st.integers(0, 7))
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    return bytes(content)
