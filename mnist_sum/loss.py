"""Losses of single examples, and their totals over many."""

from operator import add
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mnist_sum.config import Config
from mnist_sum.model import Outputs


class Totals(NamedTuple):
    """Sums over decisions; divide by the counts once, at the end."""

    digit_loss: Float[Array, ""]
    sum_loss: Float[Array, ""]
    digit_correct: Int[Array, ""]
    sum_correct: Int[Array, ""]
    digit_count: Int[Array, ""]
    sum_count: Int[Array, ""]
    unseen_correct: Int[Array, ""]
    """Right sums of pairs that training leaves out, which only `unseen_pairs` does."""
    unseen_count: Int[Array, ""]
    finite_steps: Int[Array, ""]
    """Steps of training up to the first whose loss is not finite."""


def cross_entropy(
    log_probabilities: Float[Array, "*batch class"],
    label: Int[Array, "*batch"],
    smoothing: float = 0.0,
) -> Float[Array, "*batch"]:
    """Compute the cross-entropy of each label in nats, a share of it spread over all classes.

    Without smoothing it is the negative log-likelihood; with it, see arXiv:1512.00567, section 7.
    """
    loss = -jnp.take_along_axis(log_probabilities, label[..., None], axis=-1)[..., 0]
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
        digit_correct=(outputs.digit_log_probabilities.argmax(-1) == digit).sum(),
        sum_correct=(outputs.sum_logits.argmax(-1) == sum_).sum(),
        digit_count=jnp.asarray(digit.size),
        sum_count=jnp.asarray(sum_.size),
        unseen_correct=jnp.zeros((), int),
        unseen_count=jnp.zeros((), int),
        finite_steps=jnp.zeros((), int),
    )


def weighted_mean(totals: Totals, config: Config) -> Float[Array, ""]:
    """Compute what training minimises: both mean losses, each with its weight."""
    return (
        config.digit_weight * totals.digit_loss / totals.digit_count
        + config.sum_weight * totals.sum_loss / totals.sum_count
    )


def zero_totals() -> Totals:
    """Make the totals of no examples at all."""
    return Totals(*(jnp.zeros((), kind) for kind in (float, float, *7 * (int,))))


def add_step(totals: Totals, step: Totals) -> Totals:
    """Add the totals of a training step to those of the steps before."""
    sums = jax.tree.map(add, totals, step)
    finite = jnp.isfinite(sums.digit_loss) & jnp.isfinite(sums.sum_loss)
    return sums._replace(finite_steps=totals.finite_steps + finite)


def averages(totals: Totals) -> dict[str, float]:
    """Divide sums by counts, on the host: losses in nats, accuracies as fractions."""
    sums = jax.tree.map(float, jax.device_get(totals))
    means = {
        "digit_loss": sums.digit_loss / sums.digit_count,
        "sum_loss": sums.sum_loss / sums.sum_count,
        "digit_accuracy": sums.digit_correct / sums.digit_count,
        "sum_accuracy": sums.sum_correct / sums.sum_count,
    }
    if sums.unseen_count:
        means["unseen_accuracy"] = sums.unseen_correct / sums.unseen_count
    return means
