"""Bad calls of the library, and what is said of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Calls as a user makes them, without the checks of annotations that are on in the tests; nothing
# is computed, so that there need be no state.
SETTING = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from PIL import Image
import mnist_sum as ms
from mnist_sum.learning.batch import Batch, draw_batch, take_batch
from mnist_sum.learning.train import begin_epoch, train_steps, zero_tally

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
