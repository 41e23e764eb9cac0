"""Losses against literal values, and totals against what they add up."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_sum.learning.loss import (
    Total,
    averages,
    cross_entropy,
    is_finite,
    objective,
    total,
    zero_totals,
)
from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import Recipe

TOTALS = {
    "digit_loss": Total(jnp.array(6.0), jnp.array(3)),
    "sum_loss": Total(jnp.array(20.0), jnp.array(4)),
    "digit_accuracy": Total(jnp.array(1), jnp.array(4)),
}


@pytest.mark.parametrize(
    ("probabilities", "label", "loss"),
    [([0.91] + [0.01] * 9, 1, 4.605170), ([0.1] * 10, 7, 2.302585), ([1 / 19] * 19, 0, 2.944439)],
)
def test_loss_is_the_cross_entropy_of_the_label(probabilities, label, loss):
    losses = cross_entropy(jnp.log(jnp.array([probabilities] * 2)), jnp.full(2, label))
    chex.assert_shape(losses, (2,))
    np.testing.assert_allclose(losses, loss, rtol=1e-5)


def test_a_wrong_shape_is_noticed():
    with pytest.raises(Exception, match=r"(?i)type-check"):
        cross_entropy(jnp.zeros((2, 10)), jnp.zeros(3, int))


def test_totals_count_every_digit_once_and_its_sums_with_each_number():
    outputs = Outputs(
        digit_log_probabilities=jnp.log(jnp.eye(10)[:2] + 1e-3),
        sum_logits=10.0 * jnp.eye(19)[jnp.arange(2)[:, None] + jnp.arange(10)[None]],
    )
    totals = total(outputs, jnp.array([0, 2]), jnp.tile(jnp.arange(10), (2, 1)))
    assert totals["digit_accuracy"] == (1, 2)
    assert totals["sum_accuracy"] == (10, 20)
    one_number = outputs._replace(sum_logits=outputs.sum_logits[:, 3])
    assert total(one_number, jnp.array([0, 2]), jnp.array([3, 3]))["sum_accuracy"] == (1, 2)


def test_what_is_minimised_weighs_both_means():
    assert objective(Recipe(), TOTALS) == 7.0
    assert objective(Recipe(digit_weight=0.5, sum_weight=2.0), TOTALS) == 11.0
    assert objective(Recipe(sum_weight=0.0), TOTALS) == 2.0


def test_averages_divide_once_and_losses_may_run_away():
    assert averages(TOTALS) == {"digit_loss": 2.0, "sum_loss": 5.0, "digit_accuracy": 0.25}
    assert is_finite(TOTALS) == 1
    assert is_finite(TOTALS | {"sum_loss": Total(jnp.array(jnp.nan), jnp.array(1))}) == 0
    zeros = zero_totals()
    assert all(x == 0 for x in jax.tree.leaves(zeros))
    assert {name: x.sum.dtype.name for name, x in zeros.items()} == {
        "digit_loss": "float32",
        "sum_loss": "float32",
        "digit_accuracy": "int32",
        "sum_accuracy": "int32",
    }
