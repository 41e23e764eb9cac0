"""The picture of the model: every layer in its place."""

import pytest

from experiments.report.graph import LEFT, MAIN, RIGHT, Block, cell_text, draw_model, group, place
from mnist_sum.model import MnistSum
from mnist_sum.summary import Layer, list_layers
from tests.pictures import size_of_png


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    """List the layers of the model once."""
    return list_layers(MnistSum())


@pytest.fixture(scope="module")
def blocks(layers) -> dict[str, Block]:
    """Place the blocks of the model, each under the name of its last layer."""
    return {block.layers[-1].name: block for block in place(group(layers))}


def test_every_layer_stands_in_one_block(layers, blocks):
    assert [layer for block in blocks.values() for layer in block.layers] == layers


def test_no_two_blocks_stand_in_one_place(blocks):
    assert len({(block.row, block.column) for block in blocks.values()}) == len(blocks)


def test_arrows_lead_down_or_to_the_side(blocks):
    for block in blocks.values():
        for source in block.sources:
            assert blocks[source].row <= block.row


def test_the_way_from_image_to_sum_is_in_the_middle(blocks):
    columns = {LEFT: set(), MAIN: set(), RIGHT: set()}
    for name, block in blocks.items():
        columns[block.column].add(name)
    assert columns[LEFT] == {"number", "adder/one_hot"}
    assert columns[RIGHT] == {"log_softmax", "digit_log_probabilities"}
    assert {"image", "encoder/conv8", "sum_logits"} <= columns[MAIN]


def test_blocks_bear_the_names_that_the_model_gives_them(blocks):
    labels = [block.label for block in blocks.values() if block.label]
    encoder = [f"block{i}" for i in range(1, 8)]
    assert labels == [*encoder, "conv8", "block1", "block2", "block3", "dense4"]


def test_cells_say_what_a_layer_is(layers):
    words = {layer.name: cell_text(layer) for layer in layers}
    assert words["encoder/block3/conv"] == "conv 3\N{MULTIPLICATION SIGN}3\n1,350"
    assert words["encoder/block3/relu"] == "relu"
    assert words["digit_log_probabilities"] == "digit log\nprobabilities"


@pytest.mark.parametrize("exact_adder", [False, True])
def test_picture_can_be_drawn(exact_adder, tmp_path):
    draw_model(list_layers(MnistSum(exact_adder=exact_adder)), tmp_path / "model.png")
    assert size_of_png(tmp_path / "model.png")[0] == 1280
