"""The command that puts a network into the page to draw on."""

import re

import numpy as np
import pytest

from experiments.draw_page import fold, main, make_page
from mnist_sum.files.weights import load_pretrained


@pytest.fixture(scope="module")
def network():
    return load_pretrained()


def test_norm_is_folded_into_the_layer_before_it():
    norm = {"scale": [3.0, 1.0], "bias": [5.0, -1.0]}
    statistics = {"mean": [2.0, 0.0], "var": [4 - 1e-5, 1 - 1e-5]}
    dense = {"kernel": [[2.0, 1.0]], "bias": [1.0, 0.0]}
    variables = {
        "params": {"block1": {"dense": dense, "norm": norm}, "conv8": {"kernel": [[[[6.0]]]]}},
        "batch_stats": {"block1": {"norm": statistics}},
    }
    block, last = fold(variables)
    assert (block.name, last.name) == ("block1", "conv8")
    np.testing.assert_allclose(block.kernel, [[3.0, 1.0]])  # 2 * 3 / sqrt(4)
    np.testing.assert_allclose(block.bias, [3.5, -1.0])  # (1 - 2) * 3 / sqrt(4) + 5
    assert (last.kernel.item(), last.bias.item()) == (6.0, 0.0)


def test_command_writes_the_page_whole(network, tmp_path, capsys):
    assert main(["--output", str(tmp_path / "draw.html")]) == 0
    assert "draw.html" in capsys.readouterr().out
    page = (tmp_path / "draw.html").read_text()
    assert page == make_page(network)
    assert not re.search(r"/\* [a-z.]+ \*/", page)  # no part is missing
    assert re.findall(r"https?://[^'\"]*", page) == ["http://www.w3.org/2000/svg"]  # a mere name


def test_page_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    assert main(["--output", str(tmp_path / "nowhere" / "draw.html")]) == 2
    error = capsys.readouterr().err
    assert "cannot be written" in error
    assert error.count("\n") == 1


def test_weights_that_are_not_there_are_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nothing"), "--output", str(tmp_path / "draw.html")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "draw.html").exists()
