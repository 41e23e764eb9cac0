"""The layers that the model is made of, with PyTorch's conventions and initial weights."""

from collections.abc import Callable
from functools import reduce
from math import prod

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax import lax
from jax.extend.random import threefry_2x32
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Key, UInt32

from mnist_sum.convolution import convolve


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
        self, x: Float[Array, "height in_channel width batch"]
    ) -> Float[Array, "out_height out_channel out_width batch"]:
        shape = (self.window, self.window, x.shape[1], self.features)
        kernel = self.param("kernel", uniform_by_fan_in(prod(shape[:3])), shape, jnp.float32)
        return convolve(*promote_dtype(x, kernel))


def dense(features: int, fan_in: int, name: str) -> nn.Dense:
    """Make a dense layer whose weights and biases start as PyTorch's do."""
    init = uniform_by_fan_in(fan_in)
    return nn.Dense(features, kernel_init=init, bias_init=init, name=name)


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
        scale = self.param("scale", nn.initializers.ones, (features,))
        bias = self.param("bias", nn.initializers.zeros, (features,))

        if train:
            mean, var, count = self.batch_statistics(x)
            if not self.is_initializing():
                keep = self.momentum
                running_mean.value = keep * running_mean.value + (1 - keep) * mean
                unbiased = var * (count / (count - 1))
                running_var.value = keep * running_var.value + (1 - keep) * unbiased
        else:
            mean, var = running_mean.value, running_var.value

        factor = scale * lax.rsqrt(var + self.epsilon)
        along = [1] * x.ndim
        along[self.feature_axis] = features
        return x * factor.reshape(along) + (bias - mean * factor).reshape(along)

    def batch_statistics(
        self, x: Float[Array, "..."]
    ) -> tuple[Float[Array, " feature"], Float[Array, " feature"], int]:
        """Compute mean and biased variance of each feature, and over how many values."""
        *rest, last = (axis for axis in range(x.ndim) if axis != self.feature_axis % x.ndim)

        def average(x: Float[Array, "..."]) -> Float[Array, "..."]:
            """Average in two stages: one long sum loses digits where XLA adds one by one."""
            return x.mean(last, keepdims=True).mean(rest, keepdims=True)

        mean = average(x)
        # A variance has no slope in its mean, so that no gradient need be computed of it.
        var = average(jnp.square(x - lax.stop_gradient(mean)))
        mean, var, count = mean.reshape(-1), var.reshape(-1), x.size // mean.size
        if self.axis_name is None:
            return mean, var, count
        means, variances = gather(jnp.stack([mean, var]), self.axis_name).swapaxes(0, 1)
        return means.mean(0), variances.mean(0) + means.var(0), count * len(means)


def gather(x: Float[Array, "..."], axis_name: str) -> Float[Array, "device ..."]:
    """Collect an array from every device, in one meeting of theirs.

    By a sum, which JAX knows to be the same everywhere, as it does not of lax.all_gather.
    """
    own = jnp.arange(lax.axis_size(axis_name)) == lax.axis_index(axis_name)
    return lax.psum(jnp.where(own.reshape(-1, *[1] * x.ndim), x[None], 0), axis_name)


class Dropout(nn.Module):
    """Set a random fraction of the activations to zero and scale up the rest to make up for it.

    The rate is met to 1 part in 65,536, and the scale is that of the rate as met: 16 random bits
    for an activation cost half of what flax.linen.Dropout spends on the 32 of a float. Under pmap
    or shard_map, an example is counted by its place in the whole batch over `axis_name`, so that
    what is dropped does not depend on the number of devices.
    """

    rate: float
    batch_axis: int
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, train: bool) -> Float[Array, "..."]:
        dropped = min(round(self.rate * 2**16), 2**16 - 1)
        if not train or dropped == 0:
            return x
        examples = x.shape[self.batch_axis]
        place = lax.iota(jnp.uint32, examples)
        if self.axis_name is not None:
            place += jnp.uint32(examples) * lax.axis_index(self.axis_name).astype(jnp.uint32)
        bits = random_uint16(self.make_rng("dropout"), x.size // examples, place)
        by_batch = jnp.moveaxis(x, self.batch_axis, -1)
        keep = jnp.moveaxis(bits.reshape(by_batch.shape) >= dropped, -1, self.batch_axis)
        return jnp.where(keep, x * (2**16 / (2**16 - dropped)), 0)


def random_uint16(
    key: Key[Array, ""], count: int, place: UInt32[Array, " batch"]
) -> UInt32[Array, "count batch"]:
    """Draw integers uniformly from 0 .. 65,535, for every example those of its place.

    A block of threefry makes four of them; jax.random.bits makes one 32-bit word of a block, of
    which it takes 16 bits for an integer.
    """
    blocks = lax.iota(jnp.uint32, -(-count // 4))
    counters = jnp.stack(jnp.meshgrid(blocks, place, indexing="ij"))
    words = threefry_2x32(jax.random.bits(key, (2,), jnp.uint32), counters)
    return jnp.concatenate([words & 0xFFFF, words >> 16]).reshape(-1, len(place))[:count]


Whole = Float[Array, "height channel width batch"]
Halved = Float[Array, "height/2 channel width/2 batch"]


@jax.custom_vjp
def max_pool(x: Whole) -> Halved:
    """Take the maximum of every 2x2 window.

    The first value that reaches it gets the gradient, as in PyTorch. That is written out here, as
    on a processor XLA takes ten times as long for its own.
    """
    return nn.max_pool(x, (2, 1, 2), (2, 1, 2))


def _save_input(x: Whole) -> tuple[Halved, Whole]:
    return max_pool(x), x


def _pull_back(x: Whole, gradient: Halved) -> tuple[Whole]:
    height, channel, width, batch = gradient.shape
    windows = x.reshape(height, 2, channel, width, 2, batch)
    corners = [windows[:, i, :, :, j] for i in (0, 1) for j in (0, 1)]
    maximum = reduce(jnp.maximum, corners)
    taken, parts = jnp.zeros(gradient.shape, bool), []
    for corner in corners:
        first = (corner == maximum) & ~taken
        parts.append(jnp.where(first, gradient, 0))
        taken |= first
    upper, lower = jnp.stack(parts[:2], 3), jnp.stack(parts[2:], 3)
    return (jnp.stack([upper, lower], 1).reshape(x.shape),)


max_pool.defvjp(_save_input, _pull_back)
