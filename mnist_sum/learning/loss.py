"""Losses and right answers of single examples, and their totals over many.

A new metric is one more entry in `total`.
"""

from operator import add
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from mnist_sum.learning.batch import sums
from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import NUM_DIGITS, NUM_SUMS, Recipe


class Total(NamedTuple):
    """A sum over examples, and over how many: divide once, at the end."""

    sum: Shaped[Array, ""]
    size: Int[Array, ""]


Totals = dict[str, Total]
"""By the name of what is averaged: digit_loss, sum_loss, digit_accuracy, sum_accuracy."""


def total(outputs: Outputs, digit: Int[Array, " batch"], number: Int[Array, "batch ..."]) -> Totals:
    """Add up losses, in nats, and right answers: one digit an image, and a sum for each number."""
    sum_ = sums(digit, number)
    digits, sums_ = outputs.digit_log_probabilities, jax.nn.log_softmax(outputs.sum_logits)
    return {
        "digit_loss": add_up(cross_entropy(digits, digit)),
        "sum_loss": add_up(cross_entropy(sums_, sum_)),
        "digit_accuracy": add_up(digits.argmax(-1) == digit),
        "sum_accuracy": add_up(sums_.argmax(-1) == sum_),
    }


def cross_entropy(
    log_probabilities: Float[Array, "*batch class"], label: Int[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Compute the cross-entropy of each label, its negative log-likelihood, in nats."""
    # Chosen by comparison: the gradient of an index is a scatter, which a GPU that is to be
    # deterministic has to sort for.
    chosen = jax.nn.one_hot(label, log_probabilities.shape[-1], dtype=bool)
    return -jnp.where(chosen, log_probabilities, 0).sum(-1)


def add_up(values: Float[Array, "..."] | Bool[Array, "..."]) -> Total:
    """Add up losses, or count what is true in 32 bits whatever JAX's settings."""
    dtype = jnp.int32 if values.dtype == bool else values.dtype
    return Total(values.sum(dtype=dtype), jnp.asarray(values.size, jnp.int32))


def objective(recipe: Recipe, totals: Totals) -> Float[Array, ""]:
    """Compute what training minimises: both mean losses, each with its weight."""
    digit, sum_ = totals["digit_loss"], totals["sum_loss"]
    digit_mean = digit.sum / digit.size.astype(digit.sum.dtype)
    sum_mean = sum_.sum / sum_.size.astype(sum_.sum.dtype)
    return recipe.digit_weight * digit_mean + recipe.sum_weight * sum_mean


def zero_totals() -> Totals:
    """Make the totals of no examples at all."""
    outputs = Outputs(*(jnp.zeros((0, size), jnp.float32) for size in (NUM_DIGITS, NUM_SUMS)))
    return total(outputs, jnp.zeros(0, jnp.int32), jnp.zeros(0, jnp.int32))


def add_totals(one: Totals, other: Totals) -> Totals:
    """Add the totals of some examples to those of others."""
    return jax.tree.map(add, one, other)


def is_finite(totals: Totals) -> Int[Array, ""]:
    """Count 1 if all sums are finite, 0 otherwise."""
    return jnp.stack([jnp.isfinite(x.sum) for x in totals.values()]).all().astype(jnp.int32)


def averages(totals: Totals) -> dict[str, float]:
    """Divide sums by counts, on the host: losses in nats, accuracies as fractions."""
    return {name: float(x.sum) / float(x.size) for name, x in jax.device_get(totals).items()}
