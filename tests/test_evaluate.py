"""Evaluation: every image once, with all ten numbers, whatever the chunks."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.learning.batch import unseen_number
from mnist_sum.learning.evaluate import evaluate, predict_outputs, unseen_accuracy
from mnist_sum.learning.loss import averages
from mnist_sum.learning.model import Outputs
from tests.tiny import EXAMPLES


@pytest.mark.long
def test_without_jit_evaluation_is_the_same(network, dataset):
    totals = evaluate(network, dataset)
    with jax.disable_jit():
        chex.assert_trees_all_close(evaluate(network, dataset), totals, rtol=1e-4)


@pytest.mark.parametrize("chunk", [10, 12])
def test_chunks_change_nothing(network, dataset, chunk):
    whole = predict_outputs(network, dataset.image)
    chex.assert_shape(whole.digit_log_probabilities, (EXAMPLES, 10))
    chex.assert_shape(whole.sum_logits, (EXAMPLES, 10, 19))
    in_chunks = predict_outputs(network, dataset.image, chunk=chunk)
    chex.assert_trees_all_close(whole, in_chunks, rtol=1e-4, atol=1e-5)


def test_all_answers_are_counted_and_accuracies_are_those_of_the_outputs(network, dataset):
    outputs = jax.device_get(predict_outputs(network, dataset.image))
    digit = np.asarray(dataset.digit)
    totals = evaluate(network, dataset)
    assert totals["digit_loss"].size == EXAMPLES
    assert totals["sum_accuracy"].size == EXAMPLES * 10
    result = averages(totals)
    digits = outputs.digit_log_probabilities.argmax(-1)
    assert result["digit_accuracy"] == pytest.approx((digits == digit).mean())
    right = sum(
        outputs.sum_logits[i, number].argmax() == digit[i] + number
        for i in range(EXAMPLES)
        for number in range(10)
    )
    assert result["sum_accuracy"] == pytest.approx(right / (10 * EXAMPLES))


def test_the_sums_of_unseen_pairs_can_be_counted_on_their_own():
    digit = np.arange(30) % 10
    nine = jnp.tile(jnp.eye(19)[9], (30, 10, 1))  # every sum is read as 9
    outputs = Outputs(jnp.zeros((30, 10)), nine)
    assert [d for d in range(10) if d + unseen_number(jnp.asarray(d)) == 9] == [2, 7]
    assert unseen_accuracy(outputs, digit) == pytest.approx(0.2)


def test_the_numbers_of_the_dataset_do_not_matter(network, dataset):
    other = dataset._replace(number=jnp.zeros_like(dataset.number))
    chex.assert_trees_all_equal(evaluate(network, dataset), evaluate(network, other))
