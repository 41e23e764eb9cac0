"""The command that counts what is read right: each way in, each outcome, each wrong call."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.read_folder import main
from mnist_sum.data import load

TABLE = """\
digit  pictures  right  refused  wrong  of these > 99 % sure  right %
    1         3      1        1      1                     1    33.33
    2         1      1        0      0                     0   100.00
  all         4      2        1      1                     1    50.00
"""


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """Make a 1, a 7 that is called 1, nothing that is called 1, and a 2: in three ways."""
    monkeypatch.chdir(tmp_path)
    test = load("sample").test
    images = test.image[[np.flatnonzero(test.digit == digit)[0] for digit in (1, 7, 1, 2)]]
    images[2] = 0
    labels = [1, 1, 1, 2]
    for name in ("data", "data/1", "data/2"):
        Path(name).mkdir()
    for i, label in enumerate(labels):
        Image.fromarray(images[i]).save(f"data/{label}/{i}.png")
    rows = "1/0.png,1\n1/1.png,1\n1/2.png,1\n2/3.png,2\n1/0.png,?"
    Path("data/all.csv").write_text(f"file,label\n{rows}")
    np.savez("all.npz", image=images / 16, digit=labels)


@pytest.mark.parametrize("source", ["data", "data/all.csv", "all.npz"])
def test_each_outcome_is_counted_by_digit(source, capsys):
    assert main([source, "--list", "--picture", "misread.png"]) == 0
    wrong, refused, table = capsys.readouterr().out.split("\n", 2)
    assert table == TABLE
    assert " shows 1: digit 7 (" in wrong
    assert re.search(" shows 1: .* shows nothing but paper", refused)
    with Image.open("misread.png") as drawn:
        assert drawn.size == (672, 264)
    assert main([source]) == 0
    assert capsys.readouterr().out == f"{TABLE}--list names what was refused or misread.\n"
