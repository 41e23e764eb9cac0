"""The layers that the model is made of, with PyTorch's conventions and initial weights."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Key, UInt32

from mnist_sum.learning.convolution import convolve, convolve_in_training

Values = Float[Array, "..."]
Feature = Float[Array, " feature"]


def uniform_by_fan_in(fan_in: int) -> Callable[..., Array]:
    """Make PyTorch's default initializer: uniform in +-1/sqrt(fan_in), weights and biases alike."""
    bound = fan_in**-0.5

    def initialize(key: Key[Array, ""], shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        # Drawn flat, as XLA:CPU takes ten times as long to compile a draw of four small axes.
        return jax.random.uniform(key, (prod(shape),), dtype, -bound, bound).reshape(shape)

    return initialize


class Conv(nn.Module):
    """Convolve without padding, stride or bias."""

    features: int
    window: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "height in_channel width batch"], *, train: bool
    ) -> Float[Array, "out_height out_channel out_width batch"]:
        shape = (self.window, self.window, x.shape[1], self.features)
        kernel = self.param("kernel", uniform_by_fan_in(prod(shape[:3])), shape, jnp.float32)
        function = convolve_in_training if train else convolve
        return function(*promote_dtype(x, kernel))


def dense(features: int, fan_in: int, name: str) -> nn.Dense:
    """Make a dense layer whose weights and biases start as PyTorch's do."""
    init = uniform_by_fan_in(fan_in)
    return nn.Dense(features, kernel_init=init, bias_init=init, name=name)


def max_pool(
    x: Float[Array, "height channel width batch"],
) -> Float[Array, "height/2 channel width/2 batch"]:
    """Take the maximum of every 2x2 window; equal values share its gradient."""
    height, channel, width, batch = x.shape
    return x.reshape(height // 2, 2, channel, width // 2, 2, batch).max((1, 4))


class BatchNorm(nn.Module):
    """Normalise each feature over the batch (and over height and width), as PyTorch does.

    Training normalises by the batch's biased variance and moves the running variance towards
    the unbiased one, n / (n - 1) times as large; flax.linen.BatchNorm uses the biased one for
    both. Under pmap or shard_map, statistics are those of the whole batch over `axis_name`.
    """

    feature_axis: int
    axis_name: str | None = None
    momentum: float = 0.9  # what the running statistics keep of themselves: 1 - PyTorch's 0.1
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, train: bool) -> Float[Array, "..."]:
        features = x.shape[self.feature_axis]
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, features, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, features, jnp.float32)
        scale = self.param("scale", nn.initializers.ones, (features,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (features,), jnp.float32)
        axes = tuple(axis for axis in range(x.ndim) if axis != self.feature_axis % x.ndim)

        if train:
            mean, var, count = batch_statistics(x, axes, self.axis_name)
            if not self.is_initializing():
                keep = self.momentum
                running_mean.value = keep * running_mean.value + (1 - keep) * mean
                unbiased = var * (count / (count - 1))
                running_var.value = keep * running_var.value + (1 - keep) * unbiased
        else:
            mean, var = running_mean.value, running_var.value

        factor = scale * lax.rsqrt(var + self.epsilon)
        function = scale_in_training if train else scale_and_shift
        return function(x, factor, bias - mean * factor, axes)


def batch_statistics(
    x: Float[Array, "..."], axes: tuple[int, ...], axis_name: str | None
) -> tuple[Float[Array, " feature"], Float[Array, " feature"], int]:
    """Compute each feature's mean and biased variance over these axes, and of how many values."""
    mean, var = mean_and_variance(x, axes)
    count = x.size // mean.size
    if axis_name is None:
        return mean, var, count
    means, variances = gather(jnp.stack([mean, var]), axis_name).swapaxes(0, 1)
    return means.mean(0), variances.mean(0) + means.var(0), count * len(means)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def mean_and_variance(x: Values, axes: tuple[int, ...]) -> tuple[Feature, Feature]:
    """Compute each feature's mean and biased variance over these axes."""
    *rest, last = axes

    def average(x: Values) -> Values:
        """Average in two stages: one long sum loses digits where XLA adds one by one."""
        return x.mean(last, keepdims=True).mean(rest, keepdims=True)

    mean = average(x)
    return mean.ravel(), average(jnp.square(x - mean)).ravel()


def _save_mean(x: Values, axes: tuple[int, ...]) -> tuple[Any, tuple[Values, Feature]]:
    mean, var = mean_and_variance(x, axes)
    return (mean, var), (x, mean)


def _pull_back_statistics(
    axes: tuple[int, ...], saved: tuple[Values, Feature], gradients: tuple[Feature, Feature]
) -> tuple[Values]:
    """Give each value its part in both; the variance has no slope in the mean."""
    x, mean = saved
    of_mean, of_var, mean = (jnp.expand_dims(feature, axes) for feature in (*gradients, mean))
    return ((of_mean + 2 * of_var * (x - mean)) * (mean.size / x.size),)


mean_and_variance.defvjp(_save_mean, _pull_back_statistics)


def scale_and_shift(x: Values, factor: Feature, offset: Feature, axes: tuple[int, ...]) -> Values:
    """Multiply each feature, which lies along these axes, by its factor and add its offset."""
    return x * jnp.expand_dims(factor, axes) + jnp.expand_dims(offset, axes)


scale_in_training = jax.custom_vjp(scale_and_shift, nondiff_argnums=(3,))
"""`scale_and_shift`, whose backward pass sums each feature at once; not for forward mode."""


def _pull_back_scale(
    axes: tuple[int, ...], operands: tuple[Values, Feature], gradient: Values
) -> tuple[Values, Feature, Feature]:
    x, factor = operands
    of_x = gradient * jnp.expand_dims(factor, axes)
    return of_x, (gradient * x).sum(axes), gradient.sum(axes)


scale_in_training.defvjp(
    lambda *operands: (scale_and_shift(*operands), operands[:2]), _pull_back_scale
)


def gather(x: Float[Array, "..."], axis_name: str) -> Float[Array, "device ..."]:
    """Collect an array from every device, in one meeting of theirs.

    By a sum, which JAX knows to be the same everywhere, as it does not of lax.all_gather.
    """
    own = jnp.arange(lax.axis_size(axis_name)) == lax.axis_index(axis_name)
    return lax.psum(jnp.where(own.reshape(-1, *[1] * x.ndim), x[None], 0), axis_name)


class Dropout(nn.Module):
    """Set a random fraction of activations to zero and scale up the rest to make up for it.

    Random bits are a hash of the stream "dropout" and of a value's place, which XLA computes in the
    kernel that uses them; those of jax.random take longer than the rest of the layer, on a
    processor. Under pmap or shard_map, an example is counted by its place in the whole batch over
    `axis_name`, so that what is dropped does not depend on the number of devices.
    """

    rate: float
    batch_axis: int
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, train: bool) -> Float[Array, "..."]:
        dropped = min(round(self.rate * 2**32), 2**32 - 1)
        if not train or dropped == 0:
            return x
        bits = hashed_bits(self.make_rng("dropout"), self.places(x.shape))
        return jnp.where(bits >= jnp.uint32(dropped), x * (2**32 / (2**32 - dropped)), 0)

    def places(self, shape: tuple[int, ...]) -> UInt32[Array, "..."]:
        """Count off the values of the whole batch, example by example."""
        iota = partial(lax.broadcasted_iota, jnp.uint32, shape)
        place, stride = jnp.zeros(shape, jnp.uint32), 1
        for axis in range(len(shape)):
            if axis != self.batch_axis % len(shape):
                place += jnp.uint32(stride) * iota(axis)
                stride *= shape[axis]
        example = iota(self.batch_axis % len(shape))
        if self.axis_name is not None:
            before = lax.axis_index(self.axis_name) * shape[self.batch_axis]
            example += before.astype(jnp.uint32)
        return place + jnp.uint32(stride) * example


def hashed_bits(key: Key[Array, ""], place: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Draw 32 random bits for each place by hashing it with two words of the key."""
    first, second, *_ = jax.random.key_data(key)
    return mix(mix(place + first) ^ second)


def mix(x: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Scatter integers over all 32 bits, one to one.

    The constants are those of lowbias32, github.com/skeeto/hash-prospector.
    """
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)
