"""The command that answers for files: its answers, its sentences, its exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from mnist_sum.__main__ import main
from mnist_sum.data import load
from mnist_sum.files.weights import load_pretrained, save_weights
from mnist_sum.learning.predict import predict
from mnist_sum.program_cache import keep_compiled_programs
from mnist_sum.reading.answer import Answer
from mnist_sum.reading.image import read_image
from tests.commands import ROOT


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """Make pictures of a 0 and of a 1, a file that is none, and weights, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for i, image in enumerate(load("sample").test.image[[0, 50]]):
        Image.fromarray(255 - image).resize((140, 140)).save(f"{i}.png")
    Path("bad.png").write_text("no picture")
    save_weights(load_pretrained(), "w", {})
    Path("w.png").symlink_to("w")


def test_it_answers_as_the_library_does(capsys):
    for number in (5, None):
        add = [] if number is None else ["--add", f"{number}"]
        assert main(["0.png", "1.png", "--weights", "w", "--json", *add]) == 0
        answers = json.loads(capsys.readouterr().out)
        for file, answer in zip(("0.png", "1.png"), answers, strict=True):
            expected = predict(load_pretrained(), read_image(file), number or 0)._asdict()
            expected |= {"file": file, "page": "", "number": number}
            kept = [name for name in expected if number or name not in ...]
