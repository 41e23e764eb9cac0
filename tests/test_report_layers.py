"""The layers of the report: the original's, with their receptive fields, found in the network."""

from experiments.report.layers import Layer, layer_table, list_layers
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


LAYERS = list_layers(MnistSum())


def test_layers_are_those_of_the_original_with_their_shapes_and_parameters():
    kinds = [layer.name.rpartition("/")[2].rstrip("0123456789") for layer in LAYERS]
    rows = zip(kinds, LAYERS, strict=True)
    words = [str(x) for kind, layer in rows for x in (kind, *layer.shape, layer.parameters)]
    assert words == ORIGINAL.split()
    table = layer_table(LAYERS).splitlines()
    assert table[-1].split() == ["total", "21,843"]
    assert max(map(len, table)) <= 80  # columns of a terminal
    names = [layer.name for layer in LAYERS]
    assert names[:3] == ["encoder/block1/conv", "encoder/block1/norm", "encoder/block1/relu"]
    assert (names[11], names[-1]) == ("encoder/max_pool", "adder/dense4")
    assert len(set(names)) == len(names)


def test_what_does_nothing_is_no_layer_and_the_exact_adder_is_one():
    kept = [layer for layer in LAYERS if not layer.name.endswith("dropout")]
    assert list_layers(MnistSum(dropout_rate=0.0)) == kept
    assert list_layers(MnistSum(exact_adder=True))[-1] == Layer("adder", (19,))


def test_receptive_fields_are_those_of_the_original():
    rows = [line.split() for line in layer_table(LAYERS).splitlines() if line.count(" x ") > 2]
    assert " ".join(rows[-1]) == "encoder/conv8 10 x 1 x 1 2,500 5 x 5 1 28 x 28"
    assert [int(row[-1]) for row in rows] == [3, 5, 7, 8, 8, 12, 16, 20, 28]
    assert [row[-4] for row in rows] == [*"111211111"]
