"""What a trained network reads right and wrong in the test images."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mnist_sum.data import Dataset
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs


class Reading(NamedTuple):
    """One image and a number, and what the network made of them."""

    image: UInt8[np.ndarray, "28 28"]
    digit: int
    number: int
    sum: int
    read_digit: int
    read_sum: int
    digit_probability: float
    """Of the digit that was read."""
    sum_probability: float
    """Of the sum that was read."""


def read_right(test: Dataset, outputs: Outputs) -> list[Reading]:
    """List the images whose digit is read right, and whose sum with their own number is."""
    readings = _read(test, outputs, np.asarray(test.number))
    return [x for x in readings if x.read_digit == x.digit and x.read_sum == x.sum]


def misread_digits(test: Dataset, outputs: Outputs) -> list[Reading]:
    """List the images whose digit is misread, the most confident first."""
    readings = _read(test, outputs, np.asarray(test.number))
    misread = (x for x in readings if x.read_digit != x.digit)
    return sorted(misread, key=lambda x: -x.digit_probability)


def misread_sums(test: Dataset, outputs: Outputs) -> list[Reading]:
    """List the images whose digit is read right but one sum at least is not.

    Each comes with the number that it goes wrong with most confidently, and the list likewise.
    """
    wrong = np.asarray(outputs.sum_logits).argmax(-1) != np.asarray(all_sums(test.digit))
    confidences = np.where(wrong, np.asarray(jax.nn.softmax(outputs.sum_logits)).max(-1), 0)
    readings = _read(test, outputs, confidences.argmax(-1))
    misread = (x for x in readings if x.read_digit == x.digit and x.read_sum != x.sum)
    return sorted(misread, key=lambda x: -x.sum_probability)


def _read(test: Dataset, outputs: Outputs, number: Int[np.ndarray, " image"]) -> list[Reading]:
    digit = np.asarray(test.digit)
    digits = np.exp(np.asarray(outputs.digit_log_probabilities))
    sums = np.asarray(jax.nn.softmax(outputs.sum_logits[np.arange(len(number)), number]))
    read = digits.argmax(-1), sums.argmax(-1), digits.max(-1), sums.max(-1)
    columns = [column.tolist() for column in (digit, number, digit + number, *read)]
    return [*map(Reading, np.asarray(test.image), *columns)]


def count_confusions(
    truth: Int[Array | np.ndarray, "*batch"], logits: Float[Array | np.ndarray, "*batch label"]
) -> Int[np.ndarray, "label label"]:
    """Count how often each true label (row) was read as each label (column)."""
    counts = np.zeros((logits.shape[-1],) * 2, int)
    np.add.at(counts, (np.asarray(truth), np.asarray(logits).argmax(-1)), 1)
    return counts


def list_confusions(counts: Int[np.ndarray, "label label"]) -> list[tuple[int, int, int, int]]:
    """List what was taken for something else, the most frequent first.

    Each is: the true label, what it was read as, how often, and how often the label occurs.
    """
    confusions = [
        (int(truth), int(read), int(counts[truth, read]), int(counts[truth].sum()))
        for truth, read in np.argwhere(counts)
        if truth != read
    ]
    return sorted(confusions, key=lambda confusion: -confusion[2])
