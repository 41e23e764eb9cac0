"""What a trained model gets right: which images, and how probable it finds its answers."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import UInt8

from mnist_sum.data import Dataset
from mnist_sum.learning.model import Outputs


class RightAnswer(NamedTuple):
    """One image whose digit was read right, and so was its sum with its number."""

    image: UInt8[np.ndarray, "28 28"]
    digit: int
    number: int
    digit_probability: float
    sum_probability: float


def right_answers(test: Dataset, outputs: Outputs) -> list[RightAnswer]:
    """List the images whose digit is read right, and whose sum with their own number is."""
    digit, number = np.asarray(test.digit), np.asarray(test.number)
    rows = np.arange(len(digit))
    digits = np.exp(np.asarray(outputs.digit_log_probabilities))
    sums = np.asarray(jax.nn.softmax(outputs.sum_logits[rows, number]))
    right = (digits.argmax(-1) == digit) & (sums.argmax(-1) == digit + number)
    return [
        RightAnswer(
            image=np.asarray(test.image[row]),
            digit=int(digit[row]),
            number=int(number[row]),
            digit_probability=float(digits[row].max()),
            sum_probability=float(sums[row].max()),
        )
        for row in np.flatnonzero(right)
    ]
