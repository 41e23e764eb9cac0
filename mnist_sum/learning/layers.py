"""The layers that the model is made of, with PyTorch's conventions and initial weights."""

from collections.abc import Callable
from functools import partial, reduce
from math import prod
from zlib import crc32

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Key, UInt32

from mnist_sum.learning.convolution import convolve
from mnist_sum.learning.reduction import mean_and_variance, scale_and_move


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
        scale = self.param("scale", nn.initializers.ones, (features,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (features,), jnp.float32)

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
        return scale_and_move(x, factor, bias - mean * factor, self.axes_of_a_feature(x.ndim))

    def axes_of_a_feature(self, ndim: int) -> tuple[int, ...]:
        """List the axes along which a feature's values lie: all but its own."""
        return tuple(axis for axis in range(ndim) if axis != self.feature_axis % ndim)

    def batch_statistics(
        self, x: Float[Array, "..."]
    ) -> tuple[Float[Array, " feature"], Float[Array, " feature"], int]:
        """Compute mean and biased variance of each feature, and over how many values."""
        mean, var = mean_and_variance(x, self.axes_of_a_feature(x.ndim))
        count = x.size // mean.size
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
    """Set a random fraction of activations to zero and scale up the rest to make up for it.

    It belongs behind a ReLU: an activation that is zero anyway gets no gradient.

    Under pmap or shard_map, an example is counted by its place in the whole batch over `axis_name`,
    so that what is dropped does not depend on the number of devices.
    """

    rate: float
    batch_axis: int
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, train: bool) -> Float[Array, "..."]:
        dropped = min(round(self.rate * 2**32), 2**32 - 1)
        if not train or dropped == 0:
            return x
        bits = hashed_bits(*self.words(), self.indices(x.shape))
        return drop(x, bits >= jnp.uint32(dropped), 2**32 / (2**32 - dropped))

    def indices(self, shape: tuple[int, ...]) -> UInt32[Array, "..."]:
        """Count off the values of the whole batch, example by example."""
        iota = partial(lax.broadcasted_iota, jnp.uint32, shape)
        index, stride = jnp.zeros(shape, jnp.uint32), 1
        for axis in range(len(shape)):
            if axis != self.batch_axis % len(shape):
                index += jnp.uint32(stride) * iota(axis)
                stride *= shape[axis]
        example = iota(self.batch_axis % len(shape))
        if self.axis_name is not None:
            before = lax.axis_index(self.axis_name) * shape[self.batch_axis]
            example += before.astype(jnp.uint32)
        return index + jnp.uint32(stride) * example

    def words(self) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
        """Take the words of the step's key, which all layers share, and make them this layer's.

        Flax's make_rng would fold in the layer's name by threefry, some thirty kernels a step.
        """
        assert self.scope is not None
        first, second, *_ = jax.random.key_data(self.scope.rngs["dropout"].rng)
        return first, second + jnp.uint32(crc32("/".join(self.path).encode()))


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def drop(x: Float[Array, "..."], keep: Bool[Array, "..."], scale: float) -> Float[Array, "..."]:
    """Keep some of the values, scaled; the gradient sees by the zeros which ones were not."""
    return jnp.where(keep, x * scale, 0)


def _save_dropped(
    x: Float[Array, "..."], keep: Bool[Array, "..."], scale: float
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    y = drop(x, keep, scale)
    return y, y


def _pull_back_dropped(
    scale: float, y: Float[Array, "..."], gradient: Float[Array, "..."]
) -> tuple[Float[Array, "..."], None]:
    return jnp.where(y == 0, 0, gradient * scale), None


drop.defvjp(_save_dropped, _pull_back_dropped)


def hashed_bits(
    first: UInt32[Array, ""], second: UInt32[Array, ""], index: UInt32[Array, "..."]
) -> UInt32[Array, "..."]:
    """Draw 32 random bits for each index by hashing it with two random words.

    It is arithmetic on a value's own index, which XLA puts into the kernel that uses the bits.
    """
    return mix(mix(index + first) ^ second)


def mix(x: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Scatter integers over all 32 bits, one to one.

    The constants are those of lowbias32, github.com/skeeto/hash-prospector.
    """
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


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
