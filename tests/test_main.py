"""The command that answers for files: its answers, its sentences, its exit codes."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_sum.__main__ import main
from mnist_sum.data import load
from mnist_sum.files.weights import load_pretrained, save_weights
from mnist_sum.learning.predict import predict
from mnist_sum.reading.answer import Answer
from mnist_sum.reading.image import read_image
from tests.commands import ROOT, run_python


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """Make pictures of a 0 and of a 1, a file that is none, and weights, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for digit, image in enumerate(load("sample").test.image[:2]):
        Image.fromarray(255 - image).resize((140, 140)).save(f"{digit}.png")
    Path("bad.png").write_text("no picture")
    save_weights(load_pretrained(), "w", {})
    Path("w.png").symlink_to("w")


def test_it_answers_as_the_library_does(capsys):
    assert main(["0.png", "1.png", "--add", "5", "--weights", "w", "--json"]) == 0
    for digit, answer in enumerate(json.loads(capsys.readouterr().out)):
        expected = predict(load_pretrained(), read_image(f"{digit}.png"), 5)._asdict()
        expected = {name: pytest.approx(float(x), abs=1e-6) for name, x in expected.items()}
        assert answer.pop("runner_up") != digit
        assert 0 < answer.pop("runner_up_probability") < answer["digit_probability"]
        assert answer == {"file": f"{digit}.png", "page": "", "number": 5} | expected
    assert main(["bad.png", "1.png", "--json"]) == 2
    bad, answer = json.loads(capsys.readouterr().out)
    assert bad["error"].startswith("bad.png is not a readable image")
    assert (bad["file"], answer["digit"]) == ("bad.png", 1)
    assert not {"number", "sum", "sum_probability"} & set(answer)


DOUBT = "perhaps 7, 90 %; or 1, 10 %. Plus 5 makes perhaps 12, 61 %; or 6, 29 %"


@pytest.mark.parametrize(
    ("digits", "number", "sums", "sentence"),
    [
        ({7: 0.9997}, 5, {12: 0.99}, "digit 7 (99.97 %), plus 5 makes 12 (99.00 %)"),
        ({7: 1.0}, None, {}, "digit 7 (> 99.99 %)"),
        ({7: 0.62, 1: 0.3}, None, {}, "perhaps 7, 62 %; or 1, 30 %"),
        ({7: 0.899, 1: 0.1}, 5, {12: 0.61, 6: 0.29}, DOUBT),
    ],
)
def test_an_answer_names_the_page_and_in_doubt_the_runner_up(digits, number, sums, sentence):
    probabilities = np.zeros(10), np.zeros(19)
    for array, values in zip(probabilities, (digits, sums), strict=True):
        array[list(values)] = list(values.values())
    image = np.zeros((28, 28), np.uint8)
    answer = Answer("x", "x", "page 2 of 3", image, number, *probabilities)
    assert answer.sentence() == f"page 2 of 3: {sentence}"


def test_several_files_are_a_table(capsys):
    blank, one = Image.new("L", (140, 140), 255), Image.open("1.png").copy()
    blank.save("1.tif", save_all=True, append_images=[one])
    doubtful = load("sample").test.image[:3].max(0)  # a 0, a 1 and a 2 in one
    Image.fromarray(doubtful).save("2.png")
    assert main(["2.png", "bad.png", "1.tif", "--add", "0"]) == 2
    output, errors = capsys.readouterr()
    head, first, second = output.splitlines()
    assert head == "file     digit  number  sum  digit %    sum %"
    assert first[len(head) :].startswith("  or ")
    assert second.startswith("1.tif        1       0    1    ")
    assert second.endswith("  page 2 of 2")
    assert errors.startswith("error: bad.png is not a readable image")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.png", b"\x89PNG"), ("a.JPG", b"\xff\xd8"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")],
)
def test_the_answers_are_drawn_in_the_format_of_the_name(name, head, capsys):
    files = ["0.png", "bad.png", "1.png"]
    for arguments in ([*files, "--add", "1"], files):  # the second replaces the first
        assert main([*arguments, "--picture", name]) == 2
        assert Path(name).read_bytes().startswith(head)
        assert "bad.png is not a readable image" in capsys.readouterr().err
    assert main(["0.png", "--picture", f"no/{name}"]) == 2
    assert "error: There is no folder no: name another." in capsys.readouterr().err
    if name == "a.png":
        with Image.open(name) as drawn:
            assert drawn.size == (672, 2 * 264)


def test_without_matplotlib_a_picture_is_a_sentence(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "mnist_sum.reading.drawing", raising=False)
    monkeypatch.delattr("mnist_sum.reading.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["0.png", "--add", "1", "--picture", "p.png"]) == 2
    assert "--picture needs matplotlib; in the project's folder, run" in capsys.readouterr().err


def test_an_interrupt_ends_it_quietly(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or what we start ignores it
    command, pipe = [sys.executable, "-m", "mnist_sum", *["0.png"] * 5000], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate()[1] == "\nInterrupted.\n"
    assert process.returncode == 130


def test_nobody_waits_for_imports_that_reading_does_not_need():
    modules = run_python("import sys, mnist_sum.__main__; print(*sys.modules)")[0].split()
    assert "flax" in modules
    needless = {"optax", "orbax", "tensorflow", "tensorflow_datasets", "array_record", "matplotlib"}
    assert not {*needless, "torch", "chex"} & set(modules)
