"""The original's weights come in and go out unchanged, and those of another network do not."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.errors import WeightsError
from mnist_sum.files.torch import from_torch, to_torch
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from tests.hostile_input import attempt


@pytest.fixture
def state_dict():
    """Make a state_dict with the original's names, shapes and dtypes, and no two values alike."""
    values = iter(np.arange(100_000, dtype=np.float32))
    arrays = {}
    with np.load(Path(__file__).with_name("golden") / "torch.npz") as golden:
        for name in (name for name in golden.files if name.startswith("weights/")):
            x = golden[name]
            arrays[name.removeprefix("weights/")] = (
                np.fromiter(values, x.dtype, x.size).reshape(x.shape) if x.ndim else np.array(7)
            )
    return arrays


def assert_same(one, other):
    """Compare names, values, shapes and dtypes."""
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], strict=True, err_msg=name)


def test_what_comes_in_goes_out_unchanged_and_shares_no_memory(state_dict):
    before = {name: x.copy() for name, x in state_dict.items()}
    variables, step = from_torch(state_dict)
    assert step == 7
    conv = variables["params"]["encoder"]["block2"]["conv"]["kernel"]
    assert conv[1, 2, 3, 4] == state_dict["mnist_mode.convblock2.0.weight"][4, 3, 1, 2]
    dense = variables["params"]["adder"]["block1"]["dense"]["kernel"]
    assert dense[5, 6] == state_dict["layer1.0.weight"][6, 5]
    for x in state_dict.values():
        x += 1
    assert_same(to_torch(variables, step), before)


def test_what_goes_out_comes_in_unchanged():
    variables = create_state(Recipe(), jax.random.key(0)).variables
    back, step = from_torch(to_torch(variables, jnp.asarray(469)))
    assert step == 469
    assert jax.tree.structure(back) == jax.tree.structure(variables)
    jax.tree.map(lambda one, other: np.testing.assert_array_equal(one, other), back, variables)
    del back["params"]["adder"]["dense4"]["bias"]
    with pytest.raises(WeightsError, match=r"^params/adder/dense4/bias is missing"):
        to_torch(back, step)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("mnist_mode.convblock1.0.weight", None, "is missing, expected float32[10, 1, 3, 3]."),
        ("layer1.0.bias", None, "layer1.0.bias is missing, expected float32[32]."),
        ("layer1.1.num_batches_tracked", None, "num_batches_tracked is missing, expected int64[]."),
        ("layer9.bias", np.zeros(3), "layer9.bias is float32[3], expected nothing of this name."),
        ("layer1.0.bias", np.zeros(32, int), "is int64[32], expected float32[32]."),
        ("model2_out.weight", np.zeros((2, 19)), "is float32[2, 19], expected float32[19, 128]."),
        ("layer2.0.bias", np.full(64, np.nan), "layer2.0.bias holds NaN or infinity, expected fin"),
        ("layer2.0.bias", np.full(64, 1e39), "layer2.0.bias holds NaN or infinity, expected fin"),
        ("layer2.1.running_var", np.full(64, -2.0), "var is negative (-2), expected variances."),
        ("layer3.1.num_batches_tracked", np.array(8), "tracked is 7 and 8, expected one number."),
    ],
)
def test_an_entry_that_does_not_fit_is_named(state_dict, name, value, complaint):
    changed = {k: x for k, x in (state_dict | {name: value}).items() if x is not None}
    assert complaint in attempt(WeightsError, from_torch, changed)[1]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, jnp.bfloat16])
def test_other_floating_types_become_float32(state_dict, dtype):
    weights = {k: x % 256 if x.dtype == np.float32 else x for k, x in state_dict.items()}
    cast = {k: x.astype(dtype) if x.dtype == np.float32 else x for k, x in weights.items()}
    assert_same(to_torch(*from_torch(cast)), weights)


@pytest.mark.parametrize(("weights", "kind"), [("original.pt", "str"), (None, "NoneType")])
def test_what_is_no_state_dict_is_named(weights, kind):
    what = f"^The weights are of type {kind}, expected a state_dict: give what torch.load[(]path, "
    with pytest.raises(WeightsError, match=what):
        from_torch(weights)


@pytest.mark.parity
def test_checkpoints_of_pytorch_are_read_as_they_are_loaded(state_dict, tmp_path):
    torch = pytest.importorskip("torch")
    weights = {k: x % 256 if x.dtype == np.float32 else x for k, x in state_dict.items()}
    tensors = {name: torch.from_numpy(x) for name, x in weights.items()}
    tensors = {k: x.bfloat16() if x.is_floating_point() else x for k, x in tensors.items()}
    torch.save(tensors, tmp_path / "original.pt")
    loaded = torch.load(tmp_path / "original.pt", map_location="cpu", weights_only=True)
    assert_same(to_torch(*from_torch(loaded)), weights)
