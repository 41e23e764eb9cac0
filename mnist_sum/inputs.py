"""Checks of the arrays that a user hands to the library; all raise InputError.

Shapes and dtypes are known before anything is computed: inside a jitted function they are checked
while it is traced, at no cost to its run. Values are checked where that costs no transfer worth
mentioning: those of numpy arrays, and all that `predict` is given. What is only traced has none.
"""

from contextlib import suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_sum.errors import InputError, describe
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS, Recipe

FIELDS = ("image", "digit", "number")  # of Dataset and of Batch
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
REALS = INTEGERS | {"float16", "bfloat16", "float32", "float64"}
WHITE = 255  # the brightest pixel
ROUNDING = 1e-3  # what a pixel may leave 0 .. 255 by
FEWEST = 1 / 64  # the share of pixels that a digit has ink in; the thinnest of MNIST, 1 in 23


def check(name: str, x: Any, fits: bool, expected: str) -> None:
    """Raise InputError, with what was expected, unless it fits."""
    if not fits:
        raise InputError(f"{name} is {describe(x)}, expected {expected}.")


def check_key(name: str, key: Any) -> None:
    """Check that it is one of JAX's random keys."""
    fits = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    check(name, key, fits and key.ndim == 0, "one key such as jax.random.key(1)")


def check_recipe(recipe: Any) -> None:
    """Check that it is a Recipe."""
    check("recipe", recipe, isinstance(recipe, Recipe), "a Recipe such as Recipe(batch_size=64)")


def check_training(recipe: Any, state: Any) -> None:
    """Check that they are a recipe and a state, and not the other way round."""
    check_recipe(recipe)
    check("state", state, hasattr(state, "opt_state"), "a state such as create_state makes")


def check_examples(name: str, examples: Any) -> None:
    """Check that it is a whole Dataset or Batch of at least one image."""
    fits = getattr(examples, "_fields", None) == FIELDS
    check(name, examples, fits, f"one with the fields {', '.join(FIELDS)}")
    check_images(f"{name}.image", examples.image)
    for field, limit in (("digit", NUM_DIGITS), ("number", NUM_NUMBERS)):
        values = getattr(examples, field)
        check_integers(f"{name}.{field}", values, len(examples.image))
        if isinstance(values, np.ndarray):
            check_range(f"{name}.{field}", values, limit)


def check_images(name: str, image: Any) -> None:
    """Check that it is an array of MNIST's pixels, of at least one image."""
    fits = is_array(image, REALS) and image.shape[1:] == (28, 28) and len(image) > 0
    shape = "[batch, 28, 28], of at least one image"
    check(name, image, fits, f"an array of real numbers of shape {shape}")
    wide = "a type that holds pixels 0 .. 255: use uint8, and add 128 if that was subtracted"
    check(name, image, image.dtype != np.int8, wide)
    if isinstance(image, np.ndarray):
        check_pixels(name, image)


def as_images(name: str, image: Any) -> jax.Array | np.ndarray:
    """Return one image [28, 28], or a batch of them, as an array of MNIST's pixels.

    Lists are taken too, of numbers or of images. Unlike a data set to train on, it must look like
    MNIST: no image may be blank, or have a light border.
    """
    image = as_array(image)
    shape = "[28, 28], or [batch, 28, 28] of at least one image"
    expected = f"real numbers of shape {shape}; read_image converts a picture"
    check(name, image, is_array(image, REALS) and image.shape[-2:] == (28, 28), expected)
    pixels = image[None] if image.ndim == 2 else image
    pixels = np.asarray(pixels) if has_values(pixels) else pixels
    check_images(name, pixels)
    if not isinstance(pixels, np.ndarray):
        return image
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0]], axis=1)
    for wrong, what, fix in (
        (pixels.min((1, 2)) == pixels.max((1, 2)), "blank", "leave it out"),
        (np.median(border, axis=1) > WHITE / 2, "dark on light", "give 255 - image"),
    ):
        if wrong.any():
            which = f"{name}[{int(wrong.argmax())}]" if len(pixels) > 1 else name
            raise InputError(f"{which} is {what}, expected a light digit on dark ground: {fix}.")
    return image


def as_numbers(name: str, number: Any, shape: tuple[int, ...]) -> jax.Array | np.ndarray:
    """Return the numbers 0 .. 9 that go with images, one for each; a single one is repeated."""
    number = as_array(number)
    several = f", or integers of shape {list(shape)}" if shape else ""
    fits = is_array(number, INTEGERS) and number.shape in ((), shape)
    check(name, number, fits, f"an integer{several}")
    check_range(name, number, NUM_NUMBERS)
    library = np if isinstance(number, np.ndarray) else jnp
    return library.broadcast_to(number, shape)


def as_array(values: Any) -> Any:
    """Make an array of a number, or of a list; what makes none is returned as it is."""
    if isinstance(values, (int, np.integer, list, tuple)):
        with suppress(ValueError, TypeError):  # of different lengths, or only traced
            return np.asarray(values)
    return values


def check_pixels(name: str, pixels: np.ndarray) -> None:
    """Check that all values are such as MNIST's images have.

    All zeros pass, as black is black on any scale; so do a few ones, in an image that is very dark.
    """
    least, greatest = float(pixels.min()), float(pixels.max())
    wrong = f"{least:.6g}"
    if not np.isfinite([least, greatest]).all():
        wrong = f"{pixels[~np.isfinite(pixels)][0]}"
        fix = "find what made it, or put 0 in its place"
    elif least < -ROUNDING and greatest > WHITE / 2 and least > -WHITE / 2:
        fix = "clip the image to that range"
    elif least < -ROUNDING and least >= -1 and greatest <= 1:
        fix = "bring -1 .. 1 back by (image + 1) * 127.5"
    elif least < -ROUNDING:
        fix = "undo the normalisation, by image * std + mean in the pixels' own scale"
    elif greatest > WHITE + ROUNDING:
        wrong = f"{greatest:.6g}"
        fix = "clip the image to that range, or divide pixels of 16 bits by 257"
    elif ROUNDING < greatest <= 1 and (pixels > 0).mean() >= FEWEST:
        wrong, fix = f"nothing above {greatest:.4g}", "multiply pixels in 0 .. 1 by 255"
    else:
        return
    raise InputError(f"{name} holds {wrong}, expected pixels 0 .. {WHITE}: {fix}.")


def check_integers(name: str, values: Any, count: int | None = None) -> None:
    """Check that it is an array of integers, and of that length if `count` is given."""
    fits = is_array(values, INTEGERS) and values.ndim == 1 and count in (None, len(values))
    length = "batch" if count is None else count
    check(name, values, fits, f"an array of integers of shape [{length}]")


def check_range(name: str, values: jax.Array | np.ndarray, limit: int) -> None:
    """Check that all values are in 0 .. limit - 1; fetches what is on a device."""
    if has_values(values):
        values = np.asarray(values)
        wrong = values[(values < 0) | (values >= limit)]
        if wrong.size:
            raise InputError(f"{name} holds {wrong[0]}, expected 0 .. {limit - 1}.")


def has_values(x: jax.Array | np.ndarray) -> bool:
    """Test that it can be looked at: not while it is traced, or partly on other machines."""
    return not isinstance(x, jax.core.Tracer) and getattr(x, "is_fully_addressable", True)


def is_array(x: Any, dtypes: set[str]) -> bool:
    """Test that it is an array of numpy or JAX, in the machine's own order of bytes."""
    return isinstance(x, (jax.Array, np.ndarray)) and str(x.dtype) in dtypes
