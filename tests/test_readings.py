"""Right answers and mistakes: which are listed, in which order, and what is said of each."""

import numpy as np
import pytest

from experiments.report.pictures.confusion import count_confusions, list_confusions
from experiments.report.pictures.tiles import sort_out
from mnist_sum.data import Dataset
from mnist_sum.learning.model import Outputs

DIGITS = [3, 5, 9]
TEST = Dataset(np.zeros((3, 28, 28), np.uint8), *np.array([DIGITS, [1, 2, 4]], np.int32))


def outputs_of(digits, certainty=20.0):
    logits = np.eye(10, dtype=np.float32)[np.asarray(digits)] * certainty
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    sums = np.add.outer(DIGITS, np.arange(10))
    return Outputs(log_probabilities, np.eye(19, dtype=np.float32)[sums] * certainty)


def test_what_is_right_is_right_in_digit_and_in_the_sum_with_its_own_number():
    outputs = outputs_of(DIGITS, certainty=3.0)
    right, digits, sums = sort_out(TEST, outputs)
    assert (right[0][1:6], len(right), digits, sums) == ((3, 1, 4, 3, 4), 3, [], [])
    assert right[0].digit_probability == pytest.approx(np.exp(3) / (np.exp(3) + 9))
    assert right[0].sum_probability == pytest.approx(np.exp(3) / (np.exp(3) + 18))
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 9  # 9 + 4, its own number, is read as 0
    outputs.sum_logits[0, 7] = np.eye(19)[0] * 9  # 3 + 7 is read as 0, but its own number is 1
    assert [x.digit for x in sort_out(TEST, outputs)[0]] == [3, 5]


def test_misread_digits_come_with_their_own_number_the_most_confident_first():
    _, (mistake,), sums = sort_out(TEST, outputs_of([3, 8, 9]))
    assert (mistake[1:6], sums) == ((5, 2, 7, 8, 7), [])  # 5 + 2 = 7; read as 8 and 7
    outputs = outputs_of([1, 1, 1])
    outputs.digit_log_probabilities[:, 1] = np.log([0.6, 0.9, 0.7])
    assert [x.digit for x in sort_out(TEST, outputs)[1]] == [5, 9, 3]


def test_misread_sums_come_once_with_their_most_confident_number_and_only_of_digits_read_right():
    outputs = outputs_of([3, 8, 9], certainty=2.0)
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 3  # 9 + 4 is read as 0, and
    outputs.sum_logits[2, 6] = np.eye(19)[1] * 5  # 9 + 6, more confidently, as 1
    outputs.sum_logits[0, 0] = np.eye(19)[2] * 6  # 3 + 0, most confidently, as 2
    outputs.sum_logits[1, 0] = np.eye(19)[0] * 9  # 5 + 0, but the 5 is misread
    assert [x[1:6] for x in sort_out(TEST, outputs)[2]] == [(3, 0, 3, 3, 2), (9, 6, 15, 9, 1)]


def test_confusions_are_counted_by_true_and_read_label_and_listed_by_frequency():
    counts = count_confusions(np.array([0, 0, 2]), np.eye(3)[[0, 1, 1]])
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]
    counts = np.diag([5, 6, 7])
    counts[0, 2], counts[2, 1], counts[1, 0] = 1, 3, 1
    assert list_confusions(counts) == [(2, 1, 3, 10), (0, 2, 1, 6), (1, 0, 1, 7)]
