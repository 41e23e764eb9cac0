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
from mnist_sum.files.weights import save_weights
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict
from mnist_sum.learning.state import create_state
from mnist_sum.program_cache import keep_compiled_programs
from mnist_sum.reading.answer import Answer
from mnist_sum.reading.image import read_image
from mnist_sum.recipe import Recipe
from tests.commands import ROOT


@pytest.fixture(scope="module")
def network():
    return Network(Recipe(), create_state(Recipe(), jax.random.key(0)).variables)


@pytest.fixture(autouse=True)
def pictures(network, tmp_path, monkeypatch):
    """Make weights, three pictures and a file that is none, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_weights(network, "w", {})
    for i, image in enumerate(load("sample").test.image[:3]):
        Image.fromarray(255 - image).resize((140, 140)).save(f"{i}.png")
    Path("bad.png").write_text("no picture")
    Path("w.png").symlink_to("w")


def test_it_answers_as_the_library_does(network, capsys):
    files = ["0.png", "1.png", "2.png"]
    assert main([*files, "--add", "5", "--weights", "w", "--json"]) == 0
    for file, found in zip(files, json.loads(capsys.readouterr().out), strict=True):
        expected = predict(network, read_image(file), 5)
        assert (found["file"], found["page"], found["number"]) == (file, "", 5)
        for name, value in expected._asdict().items():
            assert found[name] == pytest.approx(float(value), abs=1e-6), name
    assert main(["0.png", "--weights", "w", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert "digit" in found
    assert not {"number", "sum", "sum_probability"} & set(found)


@pytest.mark.parametrize(
    ("digits", "number", "sums", "page", "sentence"),
    [
        ({7: 0.9997}, 5, {12: 0.99}, "", "digit 7 (99.97 %), plus 5 makes 12 (99.00 %)"),
        ({7: 1.0}, None, {}, "", "digit 7 (> 99.99 %)"),
        ({7: 0.62, 1: 0.3}, None, {}, "page 2 of 3", "page 2 of 3: perhaps 7, 62 %; or 1, 30 %"),
        (
            {7: 0.62, 1: 0.3},
            5,
            {12: 0.61, 6: 0.29},
            "",
            "perhaps 7, 62 %; or 1, 30 %. Plus 5 makes perhaps 12, 61 %; or 6, 29 %",
        ),
    ],
)
def test_an_answer_names_the_runner_up_in_doubt(digits, number, sums, page, sentence):
    probabilities = np.zeros(10), np.zeros(19)
    for array, values in zip(probabilities, (digits, sums), strict=True):
        array[list(values)] = list(values.values())
    image = np.zeros((28, 28), np.uint8)
    assert Answer("file", "file", page, image, number, *probabilities).sentence() == sentence


def test_one_file_is_a_sentence_and_several_are_a_table(capsys):
    assert main(["0.png", "--add", "0", "--weights", "w"]) == 0
    [sentence] = capsys.readouterr().out.splitlines()
    assert ". Plus 0 makes " in sentence  # untrained weights are in doubt
    blank = Image.new("L", (140, 140), 255)
    blank.save("1.tif", save_all=True, append_images=[Image.open("1.png").copy()])
    assert main(["0.png", "bad.png", "1.tif", "--add", "0", "--weights", "w"]) == 2
    output, errors = capsys.readouterr()
    head, first, second = output.splitlines()
    assert head == "file     digit  number  sum  digit %    sum %"
    assert [row[:7] for row in (first, second)] == ["0.png  ", "1.tif  "]
    assert first[len(head) :].startswith("  or ")
    assert second.endswith("  page 2 of 2")
    assert errors.startswith("error: bad.png is no image")
    assert len(errors.splitlines()) == 1
    assert main(["0.png", "1.png", "--weights", "w"]) == 0
    assert capsys.readouterr().out.startswith("file   digit  digit %\n")


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.png", b"\x89PNG"), ("a.JPG", b"\xff\xd8"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")],
)
def test_the_answers_are_drawn_in_the_format_of_the_name(name, head, capsys):
    files = ["0.png", "bad.png", "1.png"]
    for arguments in ([*files, "--add", "1"], files):  # the second replaces the first
        assert main([*arguments, "--weights", "w", "--picture", name]) == 2
        assert Path(name).read_bytes().startswith(head)
        assert "bad.png is no image" in capsys.readouterr().err
    if name == "a.png":
        with Image.open(name) as drawn:
            assert drawn.size == (672, 2 * 264)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "The following arguments are required: file; --help shows"),
        (["0.png", "--add"], "Argument --add: expected one argument; --help shows"),
        (["0.png", "--add", "10"], "Argument --add: invalid choice: 10 (choose from 0, 1"),
        (["0.png", "--add", "x\ny"], "Argument --add: invalid int value: 'x\\ny'; --help"),
        (["0.png", "--add", "1", "--sub", "2"], "Unrecognized arguments: --sub 2; --help"),
        (["0.png", "--weights", "nowhere"], "There is no file nowhere: check its name."),
        (["0.png", "--weights", "."], ". is no work folder of a run: it has"),
        (["0.png"] * 101 + ["--picture", "p.png"], "--picture is for 100 files at"),
        (["0.png", "--picture", "p.bmp"], "--picture is p.bmp and must end in .png, .jpg, .pdf,"),
        (["0.png", "--picture", "no/p.png"], "no/p.png cannot be written (No such file or"),
        (["--add", "5", "--picture", "0.png", "1.png"], "0.png exists and would be lost; name"),
        (["0.png", "--picture", "./0.png"], "0.png is read and cannot be written too; name"),
        (["0.png", "--weights", "w", "--picture", "w.png"], "w.png is read and cannot be written"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_harms_no_file(capsys, arguments, sentence):
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output.count("\n") <= 1
    assert errors.startswith(f"error: {sentence}")
    assert len(errors.splitlines()) == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_without_matplotlib_a_picture_is_a_sentence(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "mnist_sum.reading.drawing", raising=False)
    monkeypatch.delattr("mnist_sum.reading.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["0.png", "--add", "1", "--picture", "p.png"]) == 2
    assert "--picture needs matplotlib: install" in capsys.readouterr().err


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_sum", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


def test_an_interrupt_and_a_closed_pipe_end_it_quietly():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or what we start ignores it
    process = start(*["0.png"] * 5000, "--weights", "w")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "\nInterrupted.\n"
    assert process.returncode == 130
    process = start(*["0.png"] * 5000, "--weights", "w")
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.parametrize(
    ("environment", "output", "errors"),
    [
        ({"JAX_PLATFORMS": "cuda"}, "", "error: JAX_PLATFORMS is cuda, and JAX can use no such"),
        ({"PYTHONIOENCODING": "ascii"}, "file   digit  digit %\n\\xfc.png  ", ""),
    ],
)
def test_odd_machines_are_put_up_with(environment, output, errors):
    Path("1.png").rename("ü.png")
    found = start("ü.png", "0.png", "--weights", "w", **environment).communicate()
    assert found[0].startswith(output)
    assert found[1].startswith(errors)
    assert found[1].count("\n") == bool(errors)


def test_nobody_waits_for_imports_that_reading_does_not_need():
    code = "import sys, mnist_sum.__main__; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert "flax" in modules
    assert not {"optax", "orbax", "tensorflow_datasets", "matplotlib"} & set(modules)


def test_without_a_home_folder_it_answers_all_the_same(monkeypatch, jax_settings):
    for variable in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # who has no entry in the user database
    keep_compiled_programs(0)
    assert jax.config.jax_compilation_cache_dir is None


@pytest.fixture
def jax_settings():
    """Put JAX's settings back afterwards."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)
