"""Losses of single examples, and their totals over many."""

from operator import add
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import Recipe


class Totals(NamedTuple):
    """Sums over decisions; divide by the counts once, at the end."""

    digit_loss: Float[Array, ""]
    sum_loss: Float[Array, ""]
    digit_correct: Int[Array, ""]
    sum_correct: Int[Array, ""]
    digit_count: Int[Array, ""]
    sum_count: Int[Array, ""]


def cross_entropy(
    log_probabilities: Float[Array, "*batch class"],
    label: Int[Array, "*batch"],
    smoothing: float = 0.0,
) -> Float[Array, "*batch"]:
    """Compute the cross-entropy of each label in nats, a share of it spread over all classes.

    Without smoothing it is the negative log-likelihood; with it, see arXiv:1512.00567, section 7.
    """
    # Chosen by comparison: the gradient of an index is a scatter, which a GPU that is to be
    # deterministic has to sort for.
    chosen = jax.nn.one_hot(label, log_probabilities.shape[-1], dtype=bool)
    loss = -jnp.where(chosen, log_probabilities, 0).sum(-1)
    if smoothing:
        return (1 - smoothing) * loss - smoothing * log_probabilities.mean(-1)
    return loss


def total(
    outputs: Outputs,
    digit: Int[Array, "*digits"],
    sum_: Int[Array, "*sums"],
    smoothing: float = 0.0,
) -> Totals:
    """Add up losses, right decisions and decisions.

    There may be more sums than digits: evaluation pairs an image with all ten numbers.
    """
    return Totals(
        digit_loss=cross_entropy(outputs.digit_log_probabilities, digit, smoothing).sum(),
        sum_loss=cross_entropy(jax.nn.log_softmax(outputs.sum_logits), sum_, smoothing).sum(),
        digit_correct=count(outputs.digit_log_probabilities.argmax(-1) == digit),
        sum_correct=count(outputs.sum_logits.argmax(-1) == sum_),
        digit_count=jnp.asarray(digit.size, jnp.int32),
        sum_count=jnp.asarray(sum_.size, jnp.int32),
    )


def count(true: Bool[Array, "..."]) -> Int[Array, ""]:
    """Count what is true, in 32 bits whatever JAX's settings."""
    return true.sum(dtype=jnp.int32)


def weighted_mean(totals: Totals, recipe: Recipe) -> Float[Array, ""]:
    """Compute what training minimises: both mean losses, each with its weight."""
    digit_loss, sum_loss = totals.digit_loss, totals.sum_loss
    digit_mean = digit_loss / totals.digit_count.astype(digit_loss.dtype)
    sum_mean = sum_loss / totals.sum_count.astype(sum_loss.dtype)
    return recipe.digit_weight * digit_mean + recipe.sum_weight * sum_mean


def zero_totals() -> Totals:
    """Make the totals of no examples at all."""
    kinds = (jnp.float32, jnp.float32, *4 * (jnp.int32,))
    return Totals(*(jnp.zeros((), kind) for kind in kinds))


def add_totals(one: Totals, other: Totals) -> Totals:
    """Add the totals of some examples to those of others."""
    return jax.tree.map(add, one, other)


def averages(totals: Totals) -> dict[str, float]:
    """Divide sums by counts, on the host: losses in nats, accuracies as fractions."""
    sums = jax.tree.map(float, jax.device_get(totals))
    return {
        "digit_loss": sums.digit_loss / sums.digit_count,
        "sum_loss": sums.sum_loss / sums.sum_count,
        "digit_accuracy": sums.digit_correct / sums.digit_count,
        "sum_accuracy": sums.sum_correct / sums.sum_count,
    }
