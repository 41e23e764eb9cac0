"""What the library says of arrays that do not fit, and which it takes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mnist_sum.data import load
from mnist_sum.errors import InputError
from mnist_sum.inputs import check_pixels
from tests.commands import ROOT
from tests.hostile_input import attempt

# Calls as a user makes them, without the checks of annotations that are on in the tests; nothing
# is computed, so that weights may be empty.
SETTING = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from PIL import Image
import mnist_sum as ms
from mnist_sum.learning.epoch import begin_epoch, train_steps, zero_tally

recipe, state, key = ms.Recipe(), None, jax.random.key(0)
network = ms.Network(recipe, {"params": {}, "batch_stats": {}})
image, number = np.zeros((3, 28, 28), np.uint8), np.arange(3)
train = ms.Dataset(image, number, number)
batch = ms.Batch(*jax.tree.map(jnp.asarray, train))
rows = np.array([0, 2])

answers = {}
for call in json.load(sys.stdin):
    try:
        answers[call] = f"{eval(call)}"
    except ms.InputError as error:
        answers[call] = f"{error}"
print(json.dumps(answers))
"""
IMAGES = "expected an array of real numbers of shape [batch, 28, 28], of at least one image."
PICTURES = (
    "expected real numbers of shape [28, 28], or [batch, 28, 28] of at least one image; "
    "read_image converts a picture."
)
NUMBERS = "expected an integer, or integers of shape [3]."
WIDE = "expected a type that holds pixels 0 .. 255: use uint8, and add 128 if that was subtracted."
KEY = "expected one key such as jax.random.key(1)."
RECIPE = "expected a Recipe such as Recipe(batch_size=64)."
STATE = "expected a state such as create_state makes."
CALLS = {
    "ms.predict(network, image[0], number)": "image is blank, expected a light digit",
    "ms.predict(network, image[..., None], number)": f"image is uint8[3, 28, 28, 1], {PICTURES}",
    "ms.predict(network, image[:, :, :27], number)": f"image is uint8[3, 28, 27], {PICTURES}",
    "ms.predict(network, image[:0], number[:0])": f"image is uint8[0, 28, 28], {IMAGES}",
    "ms.predict(network, [image[0], image[0, 0]], number)": f"image is of type list, {PICTURES}",
    "ms.predict(network, 'seven.png', 7)": f"image is of type str, {PICTURES}",
    "ms.predict(network, Image.new('L', (28, 28)), 7)": f"image is of type Image, {PICTURES}",
    "ms.predict(network, image > 0, number)": f"image is bool[3, 28, 28], {PICTURES}",
    "ms.predict(network, image.astype('>f4'), number)": f"image is >f4[3, 28, 28], {PICTURES}",
    "ms.predict(network, np.eye(28) * 255, number)": "number is int64[3], expected an integer.",
    "jax.jit(ms.predict)(network, image, number[:2])": f"number is int32[2], {NUMBERS}",
    "jax.jit(ms.predict)(network, image, number / 2)": f"number is float32[3], {NUMBERS}",
    "ms.predict(network, np.eye(28) * 255, True)": "number is bool[], expected an integer.",
    "ms.predict(network, np.eye(28) * 255, '7')": "number is of type str, expected an integer.",
    "ms.predict(network, np.eye(28) * 255, 10)": "number holds 10, expected 0 .. 9.",
    "ms.predict(network, np.eye(28) * 255, jnp.asarray(-1))": "number holds -1, expected 0 .. 9.",
    "jax.jit(ms.predict)(network, image.astype('i1'), number)": f"image is int8[3, 28, 28], {WIDE}",
    "ms.predict(network, jnp.ones((3, 28, 28)) / 2, number)": (
        "image holds nothing above 0.5, expected pixels 0 .. 255: multiply pixels in 0 .. 1 by 255."
    ),
    "ms.predict(state, image, 7)": "network is of type NoneType, expected a Network of a recipe",
    "ms.predict(ms.Network(recipe, 3), image, 7)": "network is of type Network, expected",
    "ms.save_weights(state, 'w', {})": "network is of type NoneType, expected a Network of a",
    "ms.predict_outputs(network, image - 0.5)": "image holds -0.5, expected pixels 0 .. 255: ",
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
    "ms.renew_statistics(network, train._replace(image=image[:0]))": (
        f"dataset.image is uint8[0, 28, 28], {IMAGES}"
    ),
    "ms.train_step(recipe, state, batch, 1)": f"key is int32[], {KEY}",
    "ms.train_step(recipe, state, batch._replace(number=batch.number[:2]), key)": (
        "batch.number is int32[2], expected an array of integers of shape [3]."
    ),
    "ms.train_step(recipe, state, jax.tree.map(lambda x: x[:1], batch), key)": (
        "batch is of one image, expected at least two: batch norm needs a variance."
    ),
    "ms.create_state(recipe, 1)": f"key is of type int, {KEY}",
    "ms.create_state('base', key)": f"recipe is of type str, {RECIPE}",
    "ms.train_epoch(state, recipe, train, key)": f"recipe is of type NoneType, {RECIPE}",
    "ms.train_epoch(recipe, network, train, key)": f"state is of type Network, {STATE}",
    "ms.train_step(recipe, network, batch, key)": f"state is of type Network, {STATE}",
    "ms.train_epoch(recipe, state, train, jax.random.PRNGKey(1))": f"key is uint32[2], {KEY}",
    "ms.train_epoch(recipe, state, train._replace(number=-number), key)": (
        "dataset.number holds -1, expected 0 .. 9."
    ),
    "ms.train_epoch(recipe, state, train._replace(image=image[:2]), key)": (
        "dataset.digit is int64[3], expected an array of integers of shape [2]."
    ),
    "train_steps(recipe, 3, state, zero_tally(), train, begin_epoch(key, 4), (0, 1))": (
        "epoch is of 4 images, expected 3 as in dataset."
    ),
    "ms.take_batch(train, rows + 1)": "rows holds 3, expected 0 .. 2.",
    "ms.take_batch(train, rows / 2)": "rows is float64[2], expected an array of integers of shape",
    "ms.take_batch(train, 0)": "rows is of type int, expected an array of integers of shape",
}
CALLS |= {
    f"ms.evaluate(network, train._replace({change}))": f"dataset.{sentence}"
    for change, sentence in (
        ("digit=[0, 1, 2]", "digit is of type list, expected an array of integers"),
        ("digit=number.astype('>i4')", "digit is >i4[3], expected an array of integers"),
        ("number=np.zeros(3, 'O')", "number is object[3], expected an array of integers"),
        ("image=None", f"image is of type NoneType, {IMAGES}"),
        ("image=image.astype('U1')", f"image is <U1[3, 28, 28], {IMAGES}"),
        ("image=image.astype('g')", f"image is float128[3, 28, 28], {IMAGES}"),
        ("image=jnp.zeros((3, 28))", f"image is float32[3, 28], {IMAGES}"),
    )
}


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    command, calls = [sys.executable, "-c", SETTING], json.dumps(list(CALLS))
    answers: dict[str, str] = json.loads(
        subprocess.check_output(command, input=calls, text=True, cwd=ROOT)
    )
    return answers


@pytest.mark.parametrize(("call", "sentence"), CALLS.items())
def test_a_bad_call_is_one_sentence(answers: dict[str, str], call: str, sentence: str) -> None:
    assert answers[call].startswith(sentence)
    assert len(answers[call].splitlines()) == 1


DIGITS = load("sample").test.image[:8]
DARK = np.zeros((28, 28), np.uint8)
DARK[:2, :6] = 1  # twelve of 784 pixels, where the thinnest digit of MNIST has 34
BY_255 = "expected pixels 0 .. 255: multiply pixels in 0 .. 1 by 255."
UNDO = "expected pixels 0 .. 255: undo the normalisation, by image * std + mean in the pixels' own"
CLIP = "expected pixels 0 .. 255: clip the image to that range"
FIND = "expected pixels 0 .. 255: find what made it, or put 0 in its place."


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (DIGITS / 255, f"image holds nothing above 1, {BY_255}"),
        (DIGITS[0] / 256, f"image holds nothing above 0.9961, {BY_255}"),
        ((DIGITS > 0).astype(np.int64), f"image holds nothing above 1, {BY_255}"),
        ((DIGITS / 255 - 0.1307) / 0.3081, f"image holds -0.424213, {UNDO}"),
        (DIGITS / 127.5 - 1, "image holds -1, expected pixels 0 .. 255: bring -1 .. 1 back by (im"),
        (DIGITS - np.int16(128), f"image holds -128, {UNDO}"),
        (DIGITS * 1.02 - 3, f"image holds -3, {CLIP}"),
        (DIGITS * np.uint16(257), f"image holds 65535, {CLIP}, or divide pixels of 16 bits by 257"),
        (np.where(DIGITS > 0, np.nan, DIGITS), f"image holds nan, {FIND}"),
        (np.where(DIGITS > 0, -np.inf, DIGITS), f"image holds -inf, {FIND}"),
    ],
)
def test_pixels_of_another_scale_are_refused(image: np.ndarray, sentence: str) -> None:
    assert attempt(InputError, check_pixels, "image", image)[1].startswith(sentence)


@pytest.mark.parametrize(
    "image",
    [
        *(DIGITS, DIGITS.astype(np.float32), 255 - DIGITS, DIGITS // 100),
        *(DIGITS - 1e-5, DIGITS + 1e-5),  # as interpolation leaves it
        *(np.zeros((28, 28), np.float32), np.full((28, 28), 255, np.uint8)),
        *(DARK, DARK + np.uint8(1)),
    ],
)
def test_blank_and_dark_images_can_be_trained_on(image: np.ndarray) -> None:
    check_pixels("image", image)
