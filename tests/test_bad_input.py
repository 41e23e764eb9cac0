"""Bad input, and what is said of it: commands, configs, calls of the library, files."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments import bench, describe, run, summarize
from experiments.configs import config_of
from mnist_sum.data import DataError
from mnist_sum.data.idx import read_digits, read_images
from mnist_sum.recipe import RecipeError

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run.main,
    "describe": describe.main,
    "bench": bench.main,
    "summarize": summarize.main,
}

LINES = {
    "run --config": "--config needs the name of a config.",
    "run --config=--": "--config needs the name of a config.",
    "run --config Base": "There is no config 'Base'; choose one of base, sample, ",
    "run --epochs": "Missing value for argument '--epochs'",
    "run --epochs ten": "Error parsing --epochs: invalid literal for int() with base 10: 'ten'",
    "run --epochs 2.5": "Error parsing --epochs: invalid literal for int() with base 10: '2.5'",
    "run --epochs 0": "epochs is 0 and must be at least 1.",
    "run --learning-rate 1e999": "learning_rate is inf and must be positive and finite.",
    "run --learning-rate 0,1": "Error parsing --learning-rate: could not convert string to float",
    "run --batch_size 1": "batch_size is 1 and must be at least 2, as batch norm needs a variance.",
    "run --numbers odd": "invalid choice 'odd' for argument '--numbers'. Expected one of",
    "run --dataset cifar": "invalid choice 'cifar' for argument '--dataset'",
    "run --seeds 0": "--seeds is 0 and must be at least 1.",
    "run --seeds 2": "--seeds needs --workdir, a folder for all seeds and their summary.",
    "run --workdir new --seeds 2 --coordinator here:1 --processes 2 --process-id 0": (
        "--seeds is for a process on its own"
    ),
    "run --unseen-pairs": "unseen_pairs is True and needs numbers to be 'fresh'.",
    "run --adder exact --label-smoothing 0.1": "label_smoothing is 0.1 and must be 0 for adder",
    "run --device tpu": "invalid choice 'tpu' for argument '--device'",
    "run --epochz 3": "Unrecognized options: --epochz, 3; is --epochs meant?",
    "run --no_nestrov --shift 1": "Unrecognized options: --no_nestrov; is --no-nesterov meant?",
    "run --confg=fast": "Unrecognized options: --confg=fast; is --config meant?",
    "run --workdri run": "Unrecognized options: --workdri, run; is --workdir meant?",
    "run --hidden-size 3": "Unrecognized options: --hidden-size",
    "run sample": "Unrecognized options: sample",
    "run --config smoke --held-out 499": "held_out is 499 and must leave 2 of 500 images.",
    "run --config smoke --workdir file": "The work folder file cannot be written",
    "run --config smoke --workdir file/run": "The work folder file/run cannot be written",
    "run --workdir gs://bucket/run": "workdir is gs://bucket/run and must be on this machine: copy",
    "run --config smoke --data-dir=s3://bucket": "data_dir is s3://bucket and must be on this",
    "run --workdir ~no_one/run": "workdir is ~no_one/run, and there is no such home folder.",
    "describe --output GS://bucket": "output is GS://bucket and must be on this machine",
    "bench --manual-dir file:///mnist": "manual_dir is file://mnist and must be on this machine",
    "summarize run gs://bucket/run --output out": "runs is gs://bucket/run and must be on this",
    "describe --config nobody": "There is no config 'nobody'",
    "describe --output": "Missing value for argument '--output'",
    "describe --workdir run": "Unrecognized options: --workdir",
    "bench --rounds 0": "--rounds is 0 and must be at least 1.",
    "bench --rounds many": "Error parsing --rounds: invalid literal for int()",
    "bench --steps 469": "--steps is 469 and must be 1 .. 468, the whole batches of an epoch.",
    "bench --batch-size 60001": "batch_size is 60001 and must be at most 60,000 here.",
    "bench --torch yes": "Unrecognized options: yes",
    "summarize": "--output",
    "summarize --output out": "Give the work folders of at least two runs.",
    "summarize nowhere other --output out": "nowhere does not hold a run (",
    "summarize file other --output out": "file does not hold a run (",
}


@pytest.mark.parametrize(("line", "sentence"), LINES.items())
def test_a_bad_command_line_is_one_sentence(
    line: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    command, *arguments = line.split()
    assert COMMANDS[command](arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert "--" * 5 not in printed.err  # a part of a frame
    assert sentence in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_the_sentence_is_the_same_in_a_terminal_of_any_encoding(encoding: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "experiments.run", "--epochs", "ten"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        cwd=Path(__file__).parents[1],
    )
    assert finished.stderr == (
        "error: Error parsing --epochs: invalid literal for int() with base 10: 'ten'; "
        "--help lists the options.\n"
    )


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": None}, "epochs is None and must be a whole number."),
    ({"epochs": "3"}, "epochs is '3' and must be a whole number."),
    ({"held_out": -1}, "held_out is -1 and must be at least 0."),
    ({"learning_rate": 10**400}, "... and must be positive and finite."),
    ({"momentum": -(10**5000)}, "momentum is of type int and must be in [0, 1)."),
    ({"seed": list(range(100))}, "seed is [0, 1, 2, 3, "),
    ({"numbers": b"fresh"}, "numbers is b'fresh' and must be 'fixed', 'fresh' or 'all'."),
    ({"dataset": "a\nb"}, r"dataset is 'a\nb' and must be 'mnist' or 'sample'."),
    ({"erase": 29}, "erase is 29 and must be in 0 .. 28, the side of an image."),
    ({"warmup": 1.0}, "warmup is 1.0 and must be in (0, 1)."),
    ({"rotation": float("nan")}, "rotation is nan and must be in [0, 180]."),
]


@pytest.mark.parametrize(("fields", "sentence"), FIELDS)
def test_a_bad_config_is_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        config_of(fields)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 160


# Calls as a user makes them, without the checks of annotations that are on in the tests; nothing
# is computed, so that there need be no state.
SETTING = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from PIL import Image
import mnist_sum as ms
from mnist_sum.batch import Batch, draw_batch, take_batch
from mnist_sum.train import begin_epoch, train_steps, zero_tally

network, recipe, state, key = None, ms.Recipe(), None, jax.random.key(0)
image, number = np.zeros((3, 28, 28), np.uint8), np.arange(3)
train = ms.Dataset(image, number, number)
batch = Batch(*jax.tree.map(jnp.asarray, train))
rows = np.array([0, 2])

answers = {}
for call in json.load(sys.stdin):
    try:
        answers[call] = f"{eval(call)}"
    except Exception as error:
        answers[call] = f"{type(error).__name__}: {error}"
print(json.dumps(answers))
"""
IMAGES = "expected an array of real numbers of shape [batch, 28, 28], of one image at least."
PICTURES = (
    "expected real numbers of shape [28, 28], or [batch, 28, 28] of one image at least; "
    "read_image makes such an image of a picture."
)
NUMBERS = "expected an integer, or integers of shape [3]."
WIDE = "expected a type that holds pixels 0 .. 255: use uint8, and add 128 if that was subtracted."
CALLS = {
    "ms.predict(network, image[0], number)": "number is int64[3], expected an integer.",
    "ms.predict(network, image[..., None], number)": f"image is uint8[3, 28, 28, 1], {PICTURES}",
    "ms.predict(network, image[:, :, :27], number)": f"image is uint8[3, 28, 27], {PICTURES}",
    "ms.predict(network, image[:0], number[:0])": f"image is uint8[0, 28, 28], {IMAGES}",
    "ms.predict(network, [image[0], image[0, 0]], number)": f"image is of type list, {PICTURES}",
    "ms.predict(network, 'seven.png', 7)": f"image is of type str, {PICTURES}",
    "ms.predict(network, Image.new('L', (28, 28)), 7)": f"image is of type Image, {PICTURES}",
    "ms.predict(network, image.astype(str), number)": f"image is <U3[3, 28, 28], {PICTURES}",
    "ms.predict(network, image > 0, number)": f"image is bool[3, 28, 28], {PICTURES}",
    "ms.predict(network, image.astype('>f4'), number)": f"image is >f4[3, 28, 28], {PICTURES}",
    "ms.predict(network, image, number[:2])": f"number is int64[2], {NUMBERS}",
    "ms.predict(network, image, number / 2)": f"number is float64[3], {NUMBERS}",
    "ms.predict(network, image, [1, 2, 3.5])": f"number is float64[3], {NUMBERS}",
    "ms.predict(network, image, True)": f"number is bool[], {NUMBERS}",
    "ms.predict(network, image, '7')": f"number is of type str, {NUMBERS}",
    "ms.predict(network, image, 10)": "number holds 10, expected 0 .. 9.",
    "ms.predict(network, image, number + 8)": "number holds 10, expected 0 .. 9.",
    "ms.predict(network, image, jnp.asarray(number) - 1)": "number holds -1, expected 0 .. 9.",
    "jax.jit(ms.predict)(network, image, number / 2)": f"number is float32[3], {NUMBERS}",
    "jax.jit(ms.predict)(network, image.astype('i1'), number)": f"image is int8[3, 28, 28], {WIDE}",
    "ms.predict(network, jnp.ones((3, 28, 28)) / 2, number)": (
        "image holds nothing above 0.5, expected pixels 0 .. 255: multiply pixels in 0 .. 1 by 255."
    ),
    "ms.predict_outputs(network, image - 0.5)": "image holds -0.5, expected pixels 0 .. 255: ",
    "ms.evaluate(network, train._replace(image=image + np.int32(300)))": (
        "dataset.image holds 300, expected pixels 0 .. 255: "
    ),
    "ms.predict_outputs(network, image[0])": f"image is uint8[28, 28], {IMAGES}",
    "ms.predict_outputs(network, 'image.png')": f"image is of type str, {IMAGES}",
    "ms.evaluate(network, ms.Splits(train, train))": (
        "dataset is of type Splits, expected one with the fields image, digit, number."
    ),
    "ms.evaluate(network, train._replace(digit=number + 8))": (
        "dataset.digit holds 10, expected 0 .. 9."
    ),
    "ms.evaluate(network, train._replace(digit=np.eye(3)))": (
        "dataset.digit is float64[3, 3], expected an array of integers of shape [3]."
    ),
    "ms.train_step(recipe, state, batch._replace(digit=batch.digit / 2), key)": (
        "batch.digit is float32[3], expected an array of integers of shape [3]."
    ),
    "ms.train_step(recipe, state, batch._replace(number=batch.number[:2]), key)": (
        "batch.number is int32[2], expected an array of integers of shape [3]."
    ),
    "ms.train_step(recipe, state, tuple(batch), key)": (
        "batch is of type tuple, expected one with the fields image, digit, number."
    ),
    "ms.train_step(recipe, state, jax.tree.map(lambda x: x[:1], batch), key)": (
        "batch is of one image, expected two at least: batch norm needs a variance."
    ),
    "ms.train_epoch(recipe, state, train._replace(number=-number), key)": (
        "dataset.number holds -1, expected 0 .. 9."
    ),
    "ms.train_epoch(recipe, state, train._replace(image=image[:2]), key)": (
        "dataset.digit is int64[3], expected an array of integers of shape [2]."
    ),
    "train_steps(recipe, state, zero_tally(), train, begin_epoch(key, 4), (0, 1))": (
        "epoch is of 4 images, expected 3 as in dataset."
    ),
    "take_batch(train, rows + 1)": "rows holds 3, expected 0 .. 2.",
    "take_batch(train, rows / 2)": "rows is float64[2], expected an array of integers of shape",
    "take_batch(train, 0)": "rows is of type int, expected an array of integers of shape [batch].",
    "draw_batch(recipe, train._replace(image=None), rows, key)": (
        f"dataset.image is of type NoneType, {IMAGES}"
    ),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """Make all the calls, in a process of their own."""
    finished = subprocess.run(
        [sys.executable, "-c", SETTING],
        input=json.dumps(list(CALLS)),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    answers: dict[str, str] = json.loads(finished.stdout)
    return answers


@pytest.mark.parametrize(("call", "sentence"), CALLS.items())
def test_a_bad_call_is_one_sentence(answers: dict[str, str], call: str, sentence: str) -> None:
    assert answers[call].startswith(f"InputError: {sentence}")
    assert len(answers[call].splitlines()) == 1


IMAGE_HEADER = struct.pack(">4I", 0x803, 1, 28, 28)
FILES: list[tuple[Callable[[bytes, Path], Any], bytes, str]] = [
    (read_images, b"", "has 0 bytes, expected at least the 16 of its header."),
    (read_images, IMAGE_HEADER + bytes(783), "has 799 bytes, expected 800 for 1"),
    (read_digits, IMAGE_HEADER, "has magic number 0x00000803, expected 0x00000801."),
    (read_digits, struct.pack(">2I2B", 0x801, 2, 11, 0), "holds the label 11, exp"),
    (read_digits, struct.pack("<2IB", 0x801, 1, 0), "has magic number 0x01080000"),
]


@pytest.mark.parametrize(("read", "content", "sentence"), FILES)
def test_a_bad_file_is_one_sentence(
    read: Callable[[bytes, Path], Any], content: bytes, sentence: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(content, Path("file"))
    assert str(caught.value).startswith(f"file {sentence}")
    assert "\n" not in str(caught.value)
