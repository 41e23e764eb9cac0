"""The picture of the network: every layer in its place."""

from pathlib import Path

import pytest

from experiments.report.layers import list_layers
from experiments.report.pictures.graph import draw_model, group
from mnist_sum.learning.model import MnistSum
from tests.pictures import assert_texts_are_apart, catch_figures

TIMES = "\N{MULTIPLICATION SIGN}"


def test_layers_are_grouped_as_the_network_names_and_numbers_them():
    layers = list_layers(MnistSum())
    encoder, adder = group(layers, "encoder"), group(layers, "adder")
    assert sum(len(block.cells) for block in encoder + adder) == len(layers)
    numbered = [f"block{i}" for i in range(1, 8)]
    assert [x.label for x in encoder] == [*numbered[:3], "", *numbered[3:], "conv8"]
    assert [x.label for x in adder] == ["block1", "block2", "block3", "dense4"]
    assert encoder[2].cells == [f"conv 3{TIMES}3\n1,350", "norm\n30", "relu"]
    assert encoder[2].shape == f"15{TIMES}22{TIMES}22"
    assert encoder[3].cells == [f"max pool 2{TIMES}2"]
    assert adder[-1].shape == "19"


@pytest.mark.parametrize(("exact_adder", "rows"), [(False, 16), (True, 12)])
def test_the_number_comes_from_the_left_and_the_digit_leaves_to_the_right(
    exact_adder, rows, monkeypatch
):
    figures = catch_figures(monkeypatch)
    draw_model(list_layers(MnistSum(exact_adder=exact_adder)), Path())
    assert_texts_are_apart(figures[0])
    assert figures[0].get_size_inches().tolist() == pytest.approx([8, 0.58 * rows])
    place = {text.get_text(): text.get_position() for text in figures[0].axes[0].texts}
    x, y = ({text: position[axis] for text, position in place.items()} for axis in (0, 1))
    logits, join = f"conv 5{TIMES}5\n2,500", "adder" if exact_adder else "concatenate"
    enters = "number" if exact_adder else "one hot"
    assert x["image"] == x[logits] == x[join] == x["sum logits"]
    assert y["image"] < y[logits] < y[join] < y["sum logits"]
    assert x["number"] == x[enters] < x[join]
    assert y["number"] <= y[enters] == y[join]
    assert x["log softmax"] == x["digit log\nprobabilities"] > x[logits]
    assert y["digit log\nprobabilities"] > y["log softmax"] == y[logits]
