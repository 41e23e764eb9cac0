"""Prediction: images and numbers in, digits and sums out."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from mnist_sum.inputs import as_images, as_numbers
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network, check_network

Images = Real[Array | np.ndarray, "*batch 28 28"] | Sequence
Numbers = (
    Int[Array | np.ndarray, "*batch"] | Int[Array | np.ndarray, ""] | Sequence | int | np.integer
)


class Prediction(NamedTuple):
    """The digits that were read, 0..9, their sums with the numbers, 0..18, and how sure both are.

    The probabilities are those that the network gives to this digit, and to this sum.
    """

    digit: Int[Array, "*batch"]
    sum: Int[Array, "*batch"]
    digit_probability: Float[Array, "*batch"]
    sum_probability: Float[Array, "*batch"]


class Probabilities(NamedTuple):
    """How probable each of the ten digits is, and each of the nineteen sums."""

    digit: Float[Array, "*batch 10"]
    sum: Float[Array, "*batch 19"]


def predict(network: Network, image: Images, number: Numbers) -> Prediction:
    """Read the digit in each image and add the number to it.

    Images are [batch, 28, 28], or a single [28, 28], answered without a batch axis. They are
    like MNIST's: pixels 0..255, a light digit upright on dark ground; `read_image` converts other
    pictures. One number 0..9 is for all images, a list or an array has one for each. Raises
    InputError for what is not like that, a blank or an inverted image included, as far as values
    can be seen: not within a jitted function.
    """
    return _predict(network, *_check(network, image, number))[0]


def predict_probabilities(network: Network, image: Images, number: Numbers) -> Probabilities:
    """Compute how probable each digit and each sum is; what it takes is what `predict` takes."""
    return _predict(network, *_check(network, image, number))[1]


def _check(
    network: Network, image: Images, number: Numbers
) -> tuple[Array | np.ndarray, Array | np.ndarray]:
    check_network(network)
    image = as_images("image", image)
    return image, as_numbers("number", number, image.shape[:-2])


@jax.jit
def _predict(
    network: Network, image: Real[Array, "*batch 28 28"], number: Int[Array, "*batch"]
) -> tuple[Prediction, Probabilities]:
    batch = image.shape[:-2]
    images, numbers = image.reshape(-1, 28, 28), number.reshape(-1)
    outputs = network.model.apply(network.variables, images, numbers, train=False)
    outputs = jax.tree.map(lambda x: x.reshape(*batch, -1), cast(Outputs, outputs))
    digit, sum_ = outputs.digit_log_probabilities, outputs.sum_logits
    probabilities = Probabilities(jnp.exp(digit), jax.nn.softmax(sum_))
    sure = (x.max(-1) for x in probabilities)
    prediction = Prediction(digit.argmax(-1), sum_.argmax(-1), *sure)
    return prediction, probabilities
