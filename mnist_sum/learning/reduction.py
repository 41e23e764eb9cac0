"""Sums over the values of a feature, as batch norm needs them, forward and backward.

A GPU reads the values once for two sums, in as few kernels as it can. A processor, for which XLA
writes such a pair of sums without vector registers, takes one after the other.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Values = Float[Array, "..."]
Feature = Float[Array, " feature"]
Pair = tuple[Values, Values]
Axes = tuple[int, ...]


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def mean_and_variance(x: Values, axes: Axes) -> tuple[Feature, Feature]:
    """Compute the mean and the biased variance of each feature, which lies along these axes."""
    return lax.platform_dependent(
        x, cpu=partial(_in_two_passes, axes=axes), default=partial(_in_one_pass, axes=axes)
    )


def _in_two_passes(x: Values, axes: Axes) -> tuple[Feature, Feature]:
    *rest, last = axes

    def average(x: Values) -> Values:
        """Average in two stages: one long sum loses digits where XLA adds one by one."""
        return x.mean(last, keepdims=True).mean(rest, keepdims=True)

    mean = average(x)
    return mean.reshape(-1), average(jnp.square(x - mean)).reshape(-1)


def _in_one_pass(x: Values, axes: Axes) -> tuple[Feature, Feature]:
    # Values are counted from one of them: little would be left of the difference of two squares
    # where the mean is much larger than the deviations from it.
    origin = lax.slice(x, (0,) * x.ndim, [1 if i in axes else n for i, n in enumerate(x.shape)])
    x -= origin
    count = x.size // origin.size
    total, squares = sum_both(x, jnp.square(x), axes)
    off = total / count
    return origin.reshape(-1) + off, squares / count - jnp.square(off)


def _save_mean(x: Values, axes: Axes) -> tuple[tuple[Feature, Feature], tuple[Values, Feature]]:
    mean, var = mean_and_variance(x, axes)
    return (mean, var), (x, mean)


def _pull_back_variance(
    axes: Axes, saved: tuple[Values, Feature], slopes: tuple[Feature, Feature]
) -> tuple[Values]:
    """Give each value its part in both; the variance has no slope in its mean."""
    x, mean = saved
    of_mean, of_var, mean = (jnp.expand_dims(feature, axes) for feature in (*slopes, mean))
    return ((of_mean + of_var * 2 * (x - mean)) * (mean.size / x.size),)


mean_and_variance.defvjp(_save_mean, _pull_back_variance)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def scale_and_move(x: Values, factor: Feature, offset: Feature, axes: Axes) -> Values:
    """Multiply each feature, which lies along these axes, by its factor and add its offset."""
    return x * jnp.expand_dims(factor, axes) + jnp.expand_dims(offset, axes)


def _save_operands(
    x: Values, factor: Feature, offset: Feature, axes: Axes
) -> tuple[Values, tuple[Values, Feature]]:
    return scale_and_move(x, factor, offset, axes), (x, factor)


def _pull_back_scale(
    axes: Axes, operands: tuple[Values, Feature], gradient: Values
) -> tuple[Values, Feature, Feature]:
    x, factor = operands
    return gradient * jnp.expand_dims(factor, axes), *sum_both(gradient * x, gradient, axes)


scale_and_move.defvjp(_save_operands, _pull_back_scale)


def sum_both(one: Values, other: Values, axes: Axes) -> tuple[Feature, Feature]:
    """Add up each of two arrays over these axes."""
    return lax.platform_dependent(
        one, other, cpu=partial(_one_by_one, axes), default=partial(_together, axes)
    )


def _one_by_one(axes: Axes, one: Values, other: Values) -> tuple[Feature, Feature]:
    return one.sum(axes), other.sum(axes)


def _together(axes: Axes, *pair: Values) -> tuple[Feature, Feature]:
    def add(left: Pair, right: Pair) -> Pair:
        return left[0] + right[0], left[1] + right[1]

    zero = jnp.zeros((), pair[0].dtype)
    return lax.reduce(pair, (zero, zero), add, axes)
