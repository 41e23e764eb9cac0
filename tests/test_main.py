"""The command that answers for files: its answers, its sentences, its exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from PIL import Image

from mnist_sum.__main__ import main
from mnist_sum.data import load
from mnist_sum.files.weights import save_weights
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict
from mnist_sum.learning.state import create_state
from mnist_sum.program_cache import keep_compiled_programs
from mnist_sum.reading.image import read_image
from mnist_sum.recipe import Recipe

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def network():
    return Network(Recipe(), create_state(Recipe(), jax.random.key(0)).variables)


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(network, path, {})
    return path


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Make three pictures and a file that is none, in the folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    for i, image in enumerate(load("sample").test.image[:3]):
        Image.fromarray(255 - image).resize((140, 140)).save(f"{i}.png")
    Path("bad.png").write_text("no picture")


def test_it_answers_as_the_library_does(pictures, network, weights, capsys):
    files = ["0.png", "1.png", "2.png"]
    assert main([*files, "--add", "5", "--weights", str(weights), "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    for file, answer in zip(files, answers, strict=True):
        expected = predict(network, read_image(file), 5)
        assert answer == {
            "file": file,
            "digit": expected.digit,
            "number": 5,
            "sum": expected.sum,
            "digit_probability": pytest.approx(float(expected.digit_probability), abs=1e-6),
            "sum_probability": pytest.approx(float(expected.sum_probability), abs=1e-6),
        }


def test_one_file_is_a_sentence_and_many_are_a_table(pictures, weights, capsys):
    assert main(["0.png", "--add", "0", "--weights", str(weights)]) == 0
    sentence = capsys.readouterr().out
    assert sentence.startswith("digit ")
    assert ", plus 0 makes " in sentence
    assert len(sentence.splitlines()) == 1
    assert main(["0.png", "1.png", "--add", "0", "--weights", str(weights)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "file   digit  number  sum  digit %    sum %"
    assert [row[:5] for row in rows] == ["0.png", "1.png"]
    assert {len(row) for row in rows} == {len(head)}


def test_a_bad_file_is_named_and_the_rest_is_answered(pictures, weights, capsys):
    assert main(["0.png", "bad.png", "2.png", "--add", "1", "--weights", str(weights)]) == 2
    output, errors = capsys.readouterr()
    assert [row.split()[0] for row in output.splitlines()[1:]] == ["0.png", "2.png"]
    assert errors.startswith("error: bad.png is no image")
    assert len(errors.splitlines()) == 1


def test_a_picture_of_the_answers_is_drawn(pictures, weights, capsys):
    arguments = ["0.png", "bad.png", "1.png", "--add", "1", "--weights", str(weights)]
    assert main([*arguments, "--picture", "out.png"]) == 2
    with Image.open("out.png") as drawn:
        assert drawn.size == (1200, 2 * 264)
    assert main([*arguments, "--picture", "no/out.png"]) == 2
    assert "error: no/out.png cannot be written (No such" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "The following arguments are required: file, --add; --help shows"),
        (["0.png"], "The following arguments are required: --add; --help shows"),
        (["--add", "1"], "The following arguments are required: file; --help shows"),
        (["0.png", "--add"], "Argument --add: expected one argument; --help shows"),
        (["0.png", "--add", "10"], "--add is '10' and must be 0 .. 9."),
        (["0.png", "--add", "x\ny"], "--add is 'x\\ny' and must be 0 .. 9."),
        (["0.png", "--add", "1", "--sub", "2"], "Unrecognized arguments: --sub 2; --help"),
        (["-", "--add", "1"], "- is no file, and pictures are not read from a pipe: name"),
        (["0.png", "--add", "1", "--weights", "w"], "There is no file w: check its name."),
        (["0.png", "--add", "1", "--weights", "."], ". is no work folder of a run: it has"),
        (["0.png"] * 101 + ["--add", "1", "--picture", "p"], "--picture is for 100 files at"),
    ],
)
def test_a_wrong_command_is_one_sentence(pictures, capsys, arguments, sentence):
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"error: {sentence}")
    assert len(errors.splitlines()) == 1


def test_without_matplotlib_a_picture_is_a_sentence(pictures, weights, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "mnist_sum.reading.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["0.png", "--add", "1", "--picture", "p.png"]) == 2
    assert "--picture needs matplotlib: install" in capsys.readouterr().err


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_sum", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_an_interrupt_and_a_closed_pipe_end_it_quietly(pictures, weights):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or what we start ignores it
    process = start(*["0.png"] * 5000, "--add", "1", "--weights", weights)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "\nInterrupted.\n"
    assert process.returncode == 130
    process = start(*["0.png"] * 5000, "--add", "1", "--weights", weights)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141
    process.stderr.close()


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
