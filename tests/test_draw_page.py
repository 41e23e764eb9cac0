"""The command that puts a network into the page to draw on."""

import os
import re
import subprocess
import sys

import numpy as np

from experiments.draw_page import main, make_page
from experiments.formats import fold
from mnist_sum.files.weights import load_pretrained
from tests.commands import ROOT


def test_norm_is_folded_into_the_layer_before_it():
    dense = {"kernel": np.array([[2.0, 1.0]]), "bias": np.array([1.0, 0.0])}
    norm = {"scale": np.array([3.0, 1.0]), "bias": np.array([5.0, -1.0])}
    statistics = {"mean": np.array([2.0, 0.0]), "var": np.array([4 - 1e-5, 1 - 1e-5])}
    last = {"kernel": np.array([[[[6.0]]]])}
    variables = {
        "params": {"net": {"block1": {"dense": dense, "norm": norm}, "conv8": last}},
        "batch_stats": {"net": {"block1": {"norm": statistics}}},
    }
    (block, kernel, bias), (last, last_kernel, last_bias) = fold(variables)
    assert (block, last) == ("net/block1", "net/conv8")
    np.testing.assert_allclose(kernel, [[3.0, 1.0]])  # 2 * 3 / sqrt(4)
    np.testing.assert_allclose(bias, [3.5, -1.0])  # (1 - 2) * 3 / sqrt(4) + 5
    assert (last_kernel.item(), last_bias.item()) == (6.0, 0.0)


def test_command_writes_the_page_whole_in_any_locale(tmp_path):
    output = tmp_path / "draw.html"
    command = [sys.executable, "-m", "experiments.draw_page", "--output", output]
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"}
    subprocess.run(command, check=True, cwd=ROOT, env=ascii_only)
    assert main(["--output", str(output)]) == 0  # replaces the first
    page = output.read_bytes().decode("utf-8")
    assert page == make_page(load_pretrained())
    assert '<meta charset="utf-8">' in page
    assert not re.search(r"/\* [a-z.]+ \*/", page)  # no part is missing
    assert re.findall(r"https?://[^'\"]*", page) == ["http://www.w3.org/2000/svg"]  # a mere name
