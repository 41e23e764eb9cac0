"""Pixels: what is refused because no image of MNIST has it, and what is not."""

import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.data import load
from mnist_sum.errors import InputError
from mnist_sum.inputs import check_pixels

DIGITS = load("sample").test.image[:8]
DARK = np.zeros((28, 28), np.uint8)
DARK[:2, :6] = 1  # twelve of 784 pixels, where the thinnest digit of MNIST has 34

BY_255 = "expected pixels 0 .. 255: multiply pixels in 0 .. 1 by 255."
UNDO = "expected pixels 0 .. 255: undo the normalisation, by image * std + mean in the pixels' own"
CLIP = "expected pixels 0 .. 255: clip the image to that range"
FIND = "expected pixels 0 .. 255: find what made it, or put 0 in its place."
REFUSED = [
    (DIGITS / 255, f"image holds nothing above 1, {BY_255}"),
    (DIGITS[0] / 256, f"image holds nothing above 0.9961, {BY_255}"),
    ((DIGITS / 255).astype(np.float16), f"image holds nothing above 1, {BY_255}"),
    (DIGITS // 128, f"image holds nothing above 1, {BY_255}"),
    ((DIGITS > 0).astype(np.int64), f"image holds nothing above 1, {BY_255}"),
    ((DIGITS / 255 - 0.1307) / 0.3081, f"image holds -0.424213, {UNDO}"),
    (DIGITS / 127.5 - 1, "image holds -1, expected pixels 0 .. 255: bring -1 .. 1 back by (image"),
    (DIGITS - np.int16(128), f"image holds -128, {UNDO}"),
    (DIGITS * 1.02 - 3, f"image holds -3, {CLIP}"),
    (DIGITS * 1.02, f"image holds 260.1, {CLIP}"),
    (DIGITS * np.uint16(257), f"image holds 65535, {CLIP}, or divide pixels of 16 bits by 257."),
    (np.where(DIGITS > 0, np.nan, DIGITS), f"image holds nan, {FIND}"),
    (np.where(DIGITS > 0, np.inf, DIGITS), f"image holds inf, {FIND}"),
    (np.where(DIGITS > 0, -np.inf, DIGITS), f"image holds -inf, {FIND}"),
]


@pytest.mark.parametrize("place", [np.asarray, jnp.asarray])
@pytest.mark.parametrize(("image", "sentence"), REFUSED)
def test_pixels_of_another_scale_are_refused(image, sentence, place):
    with pytest.raises(InputError) as caught:
        check_pixels("image", place(image))
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


TAKEN = [
    DIGITS,
    DIGITS[0],
    DIGITS.astype(np.float32),
    255 - DIGITS,
    np.zeros_like(DIGITS),
    np.zeros((28, 28), np.float32),
    np.full((28, 28), 255, np.uint8),
    DARK,
    DARK.astype(np.float32),
    DARK + np.uint8(1),  # 1 and 2
    DIGITS // 100,
    np.concatenate([DARK[None], DIGITS]),
    DIGITS - 1e-5,  # as interpolation leaves it
    DIGITS + 1e-5,
]


@pytest.mark.parametrize("place", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("image", TAKEN)
def test_blank_and_dark_images_are_taken(image, place):
    check_pixels("image", place(image))
