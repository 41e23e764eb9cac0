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
    digit_probability: float  # of the digit that was read
    sum_probability: float  # of the sum that was read


def sort_out(test: Dataset, outputs: Outputs) -> tuple[list[Reading], list[Reading], list[Reading]]:
    """List what is read right, what digit is misread, and what sum though the digit is right.

    The first two are with each image's own number, the last with the number that goes wrong most
    confidently. The most confident mistakes come first.
    """
    own = _read(test, outputs, np.asarray(test.number))
    right = [x for x in own if x.read_digit == x.digit and x.read_sum == x.sum]
    digits = [x for x in own if x.read_digit != x.digit]
    wrong = np.asarray(outputs.sum_logits).argmax(-1) != np.asarray(all_sums(test.digit))
    confidences = np.where(wrong, np.asarray(jax.nn.softmax(outputs.sum_logits)).max(-1), 0)
    worst = _read(test, outputs, confidences.argmax(-1))
    sums = [x for x in worst if x.read_digit == x.digit and x.read_sum != x.sum]
    digits.sort(key=lambda x: -x.digit_probability)
    sums.sort(key=lambda x: -x.sum_probability)
    return right, digits, sums


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
    """List each mistake's true label, label read, count and count of the label; frequent first."""
    confusions = [
        (int(truth), int(read), int(counts[truth, read]), int(counts[truth].sum()))
        for truth, read in np.argwhere(counts)
        if truth != read
    ]
    return sorted(confusions, key=lambda confusion: -confusion[2])
