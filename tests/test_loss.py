"""Losses against literal values, and totals against what they add up."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.learning.loss import averages, cross_entropy, total, weighted_mean, zero_totals
from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import Recipe


def test_loss_is_the_negative_log_probability_of_the_digit():
    log_probabilities = jnp.log(jnp.array([[0.91] + [0.01] * 9, [0.1] * 10]))
    losses = cross_entropy(log_probabilities, jnp.array([1, 7]))
    chex.assert_shape(losses, (2,))
    np.testing.assert_allclose(losses, [4.605170, 2.302585], rtol=1e-6)


def test_a_wrong_shape_is_noticed():
    with pytest.raises(Exception, match=r"(?i)type-check"):
        cross_entropy(jnp.zeros((2, 10)), jnp.zeros(3, int))


def test_loss_is_the_cross_entropy_of_the_logits():
    logits = jnp.zeros((2, 19)).at[1, 18].set(3.0)
    losses = cross_entropy(jax.nn.log_softmax(logits), jnp.array([0, 18]))
    np.testing.assert_allclose(losses, [2.944439, 0.639835], rtol=1e-5)


def test_totals_count_every_digit_once_and_its_sums_with_all_numbers():
    outputs = Outputs(
        digit_log_probabilities=jnp.log(jnp.eye(10)[:2] + 1e-3),
        sum_logits=10.0 * jnp.eye(19)[jnp.arange(2)[:, None] + jnp.arange(10)[None]],
    )
    totals = total(outputs, jnp.array([0, 2]), jnp.array([[0], [2]]) + jnp.arange(10)[None])
    assert (totals.digit_correct, totals.digit_count) == (1, 2)
    assert (totals.sum_correct, totals.sum_count) == (10, 20)


def test_the_total_loss_weighs_both_means():
    totals = zero_totals()._replace(
        digit_loss=jnp.array(6.0), digit_count=jnp.array(3),
        sum_loss=jnp.array(20.0), sum_count=jnp.array(4),
    )  # fmt: skip
    assert weighted_mean(totals, Recipe()) == 7.0
    assert weighted_mean(totals, Recipe(digit_weight=0.5, sum_weight=2.0)) == 11.0
    assert weighted_mean(totals, Recipe(sum_weight=0.0)) == 2.0


def test_averages_divide_once():
    totals = zero_totals()._replace(
        digit_loss=jnp.array(3.0), digit_correct=jnp.array(1), digit_count=jnp.array(4),
        sum_loss=jnp.array(5.0), sum_correct=jnp.array(5), sum_count=jnp.array(10),
    )  # fmt: skip
    assert averages(totals) == pytest.approx(
        {"digit_loss": 0.75, "sum_loss": 0.5, "digit_accuracy": 0.25, "sum_accuracy": 0.5}
    )


def test_smoothing_spreads_a_share_of_the_label_over_all_classes():
    log_probabilities = jnp.log(jnp.array([[0.91] + [0.01] * 9]))
    losses = cross_entropy(log_probabilities, jnp.array([0]), 0.2)
    np.testing.assert_allclose(losses, [0.2 * 0.9 * 4.605170 + 0.82 * 0.094311], rtol=1e-5)
