"""Right answers and mistakes: which are listed, in which order, and what is said of each."""

import numpy as np
import pytest

from experiments.report.answers import right_answers
from experiments.report.mistakes import count_confusions, misread_digits, misread_sums
from mnist_sum.data import Dataset
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs


@pytest.fixture
def test_set() -> Dataset:
    """Make three empty images of 3, 5 and 9."""
    digit, number = np.array([[3, 5, 9], [1, 2, 4]], np.int32)
    return Dataset(np.zeros((3, 28, 28), np.uint8), digit, number)


def outputs_of(digits, sums, certainty: float = 20.0) -> Outputs:
    """Make outputs that read such digits and sums."""
    logits = np.eye(10, dtype=np.float32)[np.asarray(digits)] * certainty
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return Outputs(log_probabilities, np.eye(19, dtype=np.float32)[np.asarray(sums)] * certainty)


def test_perfect_outputs_have_no_mistakes(test_set):
    outputs = outputs_of(test_set.digit, np.asarray(all_sums(test_set.digit)))
    assert misread_digits(test_set, outputs) == []
    assert misread_sums(test_set, outputs) == []


def test_misread_digit_comes_with_its_own_number_and_what_was_read(test_set):
    outputs = outputs_of([3, 8, 9], np.asarray(all_sums(test_set.digit)))
    (mistake,) = misread_digits(test_set, outputs)
    assert (mistake.digit, mistake.read_digit, mistake.number, mistake.read_sum) == (5, 8, 2, 7)
    assert mistake.confidence == pytest.approx(1, abs=1e-6)


def test_misread_digits_are_ordered_by_confidence(test_set):
    outputs = outputs_of([1, 1, 1], np.asarray(all_sums(test_set.digit)))
    outputs.digit_log_probabilities[:, 1] = np.log([0.6, 0.9, 0.7])
    mistakes = misread_digits(test_set, outputs)
    assert [mistake.digit for mistake in mistakes] == [5, 9, 3]


def test_misread_sum_comes_once_with_its_most_confident_number(test_set):
    outputs = outputs_of(test_set.digit, np.asarray(all_sums(test_set.digit)), certainty=2.0)
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 3  # 9 + 4 is read as 0, and
    outputs.sum_logits[2, 6] = np.eye(19)[1] * 5  # 9 + 6, more confidently, as 1
    (mistake,) = misread_sums(test_set, outputs)
    assert (mistake.digit, mistake.number, mistake.read_sum) == (9, 6, 1)


def test_sum_of_a_misread_digit_is_no_mistake_of_the_sum(test_set):
    outputs = outputs_of([3, 8, 9], np.add.outer([3, 8, 9], np.arange(10)))
    assert misread_sums(test_set, outputs) == []


def test_confusions_count_true_labels_in_rows_and_read_labels_in_columns():
    counts = count_confusions(np.array([0, 0, 2]), np.eye(3)[[0, 1, 1]])
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]


def test_right_answers_are_right_in_digit_and_in_the_sum_with_their_own_number(test_set):
    outputs = outputs_of([3, 8, 9], np.asarray(all_sums(test_set.digit)), certainty=3.0)
    (three, nine) = right_answers(test_set, outputs)
    assert (three.digit, three.number, nine.digit, nine.number) == (3, 1, 9, 4)
    assert three.digit_probability == pytest.approx(np.exp(3) / (np.exp(3) + 9))
    assert three.sum_probability == pytest.approx(np.exp(3) / (np.exp(3) + 18))
    outputs.sum_logits[2, 4] = np.eye(19)[0] * 9  # 9 + 4, its own number, is read as 0
    outputs.sum_logits[0, 7] = np.eye(19)[0] * 9  # 3 + 7 is read as 0, but its own number is 1
    assert [answer.digit for answer in right_answers(test_set, outputs)] == [3]
