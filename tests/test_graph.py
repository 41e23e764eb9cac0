"""The picture of the model: every layer in its place."""

from pathlib import Path

import pytest

from experiments.report import graph
from experiments.report.graph import cell_text, draw_model, group
from experiments.report.layers import Layer, list_layers
from mnist_sum.learning.model import MnistSum
from tests.pictures import assert_texts_are_apart, catch_figures, size_of_png


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    """List the layers of the model once."""
    return list_layers(MnistSum())


def test_every_layer_stands_in_one_block(layers):
    cells = [block.cells for module in ("encoder", "adder") for block in group(layers, module)]
    assert [cell for block in cells for cell in block] == [cell_text(layer) for layer in layers]


def test_blocks_bear_the_names_that_the_model_numbers(layers):
    labels = [block.label for block in group(layers, "encoder")]
    assert labels == [
        "block1",
        "block2",
        "block3",
        "",
        *(f"block{i}" for i in range(4, 8)),
        "conv8",
    ]
    assert [x.label for x in group(layers, "adder")] == ["block1", "block2", "block3", "dense4"]


def test_a_block_says_what_its_layers_are_and_what_comes_out(layers):
    third, pool = group(layers, "encoder")[2:4]
    assert third.cells == ("conv 3\N{MULTIPLICATION SIGN}3\n1,350", "norm\n30", "relu")
    assert third.shape == "15\N{MULTIPLICATION SIGN}22\N{MULTIPLICATION SIGN}22"
    assert pool.cells == ("max pool 2\N{MULTIPLICATION SIGN}2",)
    assert group(layers, "adder")[-1].shape == "19"


def test_the_number_comes_from_the_left_and_the_digit_leaves_to_the_right(layers, monkeypatch):
    figures = catch_figures(monkeypatch, graph)
    draw_model(layers, Path())
    place = {text.get_text(): text.get_position() for text in figures[0].axes[0].texts}
    x, y = ({text: position[axis] for text, position in place.items()} for axis in (0, 1))
    logits = "conv 5\N{MULTIPLICATION SIGN}5\n2,500"
    assert x["image"] == x[logits] == x["concatenate"] == x["sum logits"]
    assert y["image"] < y[logits] < y["concatenate"] < y["sum logits"]
    assert x["number"] == x["one hot"] < x["concatenate"]
    assert y["number"] < y["one hot"] == y["concatenate"]
    assert x["log softmax"] == x["digit log\nprobabilities"] > x[logits]
    assert y["digit log\nprobabilities"] > y["log softmax"] == y[logits]


@pytest.mark.parametrize(("exact_adder", "rows"), [(False, 16), (True, 12)])
def test_picture_has_a_row_for_every_block_on_the_way_to_the_sum(exact_adder, rows, tmp_path):
    draw_model(list_layers(MnistSum(exact_adder=exact_adder)), tmp_path / "model.png")
    assert size_of_png(tmp_path / "model.png") == (1280, int(rows * 0.58 * 160))


@pytest.mark.parametrize("exact_adder", [False, True])
def test_no_text_of_the_picture_touches_another(exact_adder, monkeypatch):
    figures = catch_figures(monkeypatch, graph)
    draw_model(list_layers(MnistSum(exact_adder=exact_adder)), Path())
    assert_texts_are_apart(figures[0])
