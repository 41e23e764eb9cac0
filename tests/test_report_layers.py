"""The layers of the report: the original's, with their receptive fields, found in the network."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from flax.traverse_util import flatten_dict

from experiments.report.layers import Layer, layer_table, list_layers, receptive_field_table
from mnist_sum.learning.layers import Conv
from mnist_sum.learning.model import MnistSum

ORIGINAL = """
    conv 10 26 26 90     norm 10 26 26 20   relu 10 26 26 0   dropout 10 26 26 0
    conv 10 24 24 900    norm 10 24 24 20   relu 10 24 24 0   dropout 10 24 24 0
    conv 15 22 22 1350   norm 15 22 22 30   relu 15 22 22 0   max_pool 15 11 11 0
    conv 10 11 11 150    norm 10 11 11 20   relu 10 11 11 0   dropout 10 11 11 0
    conv 10 9 9 900      norm 10 9 9 20     relu 10 9 9 0     dropout 10 9 9 0
    conv 10 7 7 900      norm 10 7 7 20     relu 10 7 7 0     dropout 10 7 7 0
    conv 10 5 5 900      norm 10 5 5 20     relu 10 5 5 0     dropout 10 5 5 0
    conv 10 1 1 2500
    dense 32 672         norm 32 64         relu 32 0         dropout 32 0
    dense 64 2112        norm 64 128        relu 64 0         dropout 64 0
    dense 128 8320       norm 128 256       relu 128 0        dropout 128 0
    dense 19 2451
"""


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    """List the layers of the network once."""
    return list_layers(MnistSum())


def kind_of(name):
    """Take the kind of a layer from its name: encoder/conv8 is a conv."""
    return name.rpartition("/")[2].rstrip("0123456789")


def test_layers_are_those_of_the_original_with_their_shapes_and_parameters(layers):
    words = [str(x) for y in layers for x in (kind_of(y.name), *y.shape, y.parameters)]
    assert words == ORIGINAL.split()
    table = layer_table(layers).splitlines()
    assert table[-1].split() == ["total", "21,843"]
    assert max(map(len, table)) <= 60  # columns of a narrow terminal
    names = [layer.name for layer in layers]
    assert names[:3] == ["encoder/block1/conv", "encoder/block1/norm", "encoder/block1/relu"]
    assert (names[11], names[-1]) == ("encoder/max_pool", "adder/dense4")
    assert len(set(names)) == len(names)


def test_what_does_nothing_is_no_layer_and_the_exact_adder_is_one(layers):
    kept = [layer for layer in layers if kind_of(layer.name) != "dropout"]
    assert list_layers(MnistSum(dropout_rate=0.0)) == kept
    assert list_layers(MnistSum(exact_adder=True))[-1] == Layer("adder", (19,))


def test_receptive_fields_are_those_of_the_original_and_how_far_a_pixel_reaches(layers):
    """Raise a row of pixels: with positive weights, whatever sees it must rise too."""
    rows = [line.split() for line in receptive_field_table(layers).splitlines()[1:]]
    assert " ".join(rows[-1]) == "encoder/conv8 5 x 5 1 1 x 1 28 x 28"
    assert [int(row[-1]) for row in rows] == [3, 5, 7, 8, 8, 12, 16, 20, 28]
    assert [int(row[-4]) for row in rows] == [26, 24, 22, 11, 11, 9, 7, 5, 1]
    raised = jnp.arange(28)
    image = jnp.ones((29, 28, 28)).at[raised, raised].set(1000.0)  # the last stays as it is
    number = jnp.zeros(29, jnp.int32)

    @jax.jit
    def convolutions(image):
        init = partial(MnistSum().init, train=False)
        shapes = jax.eval_shape(init, jax.random.key(0), image, number)
        return MnistSum().apply(
            jax.tree.map(lambda x: jnp.ones(x.shape), shapes),
            image,
            number,
            train=False,
            capture_intermediates=lambda module, _: isinstance(module, Conv),
        )[1]

    seen = flatten_dict(convolutions(image)["intermediates"], sep="/")
    for name, *_, field in rows:
        if name != "encoder/max_pool":  # no module, so its output is not captured
            corner = seen[f"{name}/__call__"][0][0, 0, 0]
            assert (corner[:28] > 1.001 * corner[28]).sum() == int(field)
