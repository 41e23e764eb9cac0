"""Prediction: images and numbers in, digits and sums out."""

from typing import NamedTuple, cast

import jax
import numpy as np
from jaxtyping import Array, Int, Real

from mnist_sum.check import check_images, check_integers, check_range
from mnist_sum.model import Outputs
from mnist_sum.network import Network
from mnist_sum.recipe import NUM_NUMBERS


class Prediction(NamedTuple):
    """The digits that were read, 0..9, and their sums with the numbers, 0..18."""

    digit: Int[Array, " batch"]
    sum: Int[Array, " batch"]


def predict(
    network: Network,
    image: Real[Array | np.ndarray, "batch 28 28"],
    number: Int[Array | np.ndarray, " batch"],
) -> Prediction:
    """Read the digit in each image and add the number to it; pixels are 0..255, numbers 0..9.

    Raises InputError for arrays that are not like that. Inside a jitted function the range of the
    numbers cannot be checked.
    """
    check_images("image", image)
    check_integers("number", number, len(image))
    check_range("number", number, NUM_NUMBERS)
    return _predict(network, image, number)


@jax.jit
def _predict(
    network: Network, image: Real[Array, "batch 28 28"], number: Int[Array, " batch"]
) -> Prediction:
    outputs = network.model.apply(network.variables, image, number, train=False)
    outputs = cast(Outputs, outputs)
    return Prediction(outputs.digit_log_probabilities.argmax(-1), outputs.sum_logits.argmax(-1))
