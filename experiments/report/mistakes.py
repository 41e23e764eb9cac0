"""What a trained model gets wrong: which images, and what it takes for what."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from mnist_sum.data import Dataset
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs


class Mistake(NamedTuple):
    """One image that was misread, or whose sum was."""

    image: UInt8[np.ndarray, "28 28"]
    digit: int
    read_digit: int
    number: int
    read_sum: int
    confidence: float
    """The probability that the model gave to its wrong answer."""


def misread_digits(test: Dataset, outputs: Outputs) -> list[Mistake]:
    """List the images whose digit is misread, the most confident first."""
    probabilities = np.exp(np.asarray(outputs.digit_log_probabilities))
    rows = np.flatnonzero(probabilities.argmax(-1) != np.asarray(test.digit))
    confidences = probabilities[rows].max(-1)
    return [
        mistake(test, outputs, row, int(test.number[row]), confidence)
        for row, confidence in by_confidence(rows, confidences)
    ]


def misread_sums(test: Dataset, outputs: Outputs) -> list[Mistake]:
    """List the images whose digit is read right but one sum at least is not.

    Each comes with the number that it goes wrong with most confidently, and the list likewise.
    """
    probabilities = np.asarray(jax.nn.softmax(outputs.sum_logits)).max(-1)
    read_digit = np.asarray(outputs.digit_log_probabilities).argmax(-1)
    wrong = np.asarray(outputs.sum_logits).argmax(-1) != np.asarray(all_sums(test.digit))
    wrong &= (read_digit == np.asarray(test.digit))[:, None]
    confidences = np.where(wrong, probabilities, 0)
    rows = np.flatnonzero(wrong.any(-1))
    return [
        mistake(test, outputs, row, int(confidences[row].argmax()), confidence)
        for row, confidence in by_confidence(rows, confidences[rows].max(-1))
    ]


def mistake(test: Dataset, outputs: Outputs, row: int, number: int, confidence: float) -> Mistake:
    """Put together what is to be said of an image with a number."""
    return Mistake(
        image=np.asarray(test.image[row]),
        digit=int(test.digit[row]),
        read_digit=int(outputs.digit_log_probabilities[row].argmax()),
        number=number,
        read_sum=int(outputs.sum_logits[row, number].argmax()),
        confidence=confidence,
    )


def by_confidence(
    rows: Int[np.ndarray, " mistake"], confidences: Float[np.ndarray, " mistake"]
) -> list[tuple[int, float]]:
    """Sort rows by their confidence, the greatest first."""
    order = np.argsort(-confidences, kind="stable")
    return [(int(rows[i]), float(confidences[i])) for i in order]


def count_confusions(
    truth: Int[Array | np.ndarray, "*batch"], logits: Float[Array | np.ndarray, "*batch label"]
) -> Int[np.ndarray, "label label"]:
    """Count how often each true label (row) was read as each label (column)."""
    counts = np.zeros((logits.shape[-1],) * 2, int)
    np.add.at(counts, (np.asarray(truth), np.asarray(logits).argmax(-1)), 1)
    return counts
