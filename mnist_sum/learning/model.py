"""The network: an encoder reads the digit, an adder adds the number to it.

Inside the encoder the axes are [height, channel, width, batch]: the batch fills a processor's
vector lanes whatever the size of the image, and a convolution takes it row by row.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Real

from mnist_sum.learning.layers import BatchNorm, Conv, Dropout, dense, max_pool
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS, NUM_SUMS, Recipe

IMPOSSIBLE = -1e9  # the logit of a sum that no digit makes with the number


class Outputs(NamedTuple):
    """What the network says of the digit, and of the sum of digit and number."""

    digit_log_probabilities: Float[Array, "*batch 10"]
    sum_logits: Float[Array, "*batch_and_number 19"]


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU, dropout."""

    features: int
    window: int
    dropout_rate: float = 0.0
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, x: Float[Array, "height in_channel width batch"], train: bool
    ) -> Float[Array, "out_height out_channel out_width batch"]:
        x = Conv(self.features, self.window, name="conv")(x, train=train)
        x = BatchNorm(1, self.axis_name, name="norm")(x, train=train)
        dropout = Dropout(self.dropout_rate, -1, self.axis_name, name="dropout")
        return dropout(nn.relu(x), train=train)


class DenseBlock(nn.Module):
    """Dense layer, batch norm, ReLU, dropout."""

    features: int
    dropout_rate: float = 0.0
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch feature"], train: bool
    ) -> Float[Array, "batch out_feature"]:
        x = dense(self.features, x.shape[-1], name="dense")(x)
        x = BatchNorm(-1, self.axis_name, name="norm")(x, train=train)
        dropout = Dropout(self.dropout_rate, 0, self.axis_name, name="dropout")
        return dropout(nn.relu(x), train=train)


class DigitEncoder(nn.Module):
    """Turn images into the logits of their digits; 7,840 parameters."""

    dropout_rate: float = 0.01
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, image: Real[Array, "batch 28 28"], *, train: bool
    ) -> Float[Array, "batch 10"]:
        def block(index: int, features: int, window: int, dropout_rate: float) -> ConvBlock:
            return ConvBlock(features, window, dropout_rate, self.axis_name, name=f"block{index}")

        drop = self.dropout_rate
        x = jnp.moveaxis(image.astype(jnp.float32), 0, -1)[:, None]  # [28, 1, 28, batch]
        x = block(1, features=10, window=3, dropout_rate=drop)(x, train)  # [26, 10, 26, batch]
        x = block(2, features=10, window=3, dropout_rate=drop)(x, train)  # [24, 10, 24, batch]
        x = block(3, features=15, window=3, dropout_rate=0.0)(x, train)  # [22, 15, 22, batch]
        x = max_pool(x)  # [11, 15, 11, batch]
        x = block(4, features=10, window=1, dropout_rate=drop)(x, train)  # [11, 10, 11, batch]
        x = block(5, features=10, window=3, dropout_rate=drop)(x, train)  # [9, 10, 9, batch]
        x = block(6, features=10, window=3, dropout_rate=drop)(x, train)  # [7, 10, 7, batch]
        x = block(7, features=10, window=3, dropout_rate=drop)(x, train)  # [5, 10, 5, batch]
        x = Conv(NUM_DIGITS, window=len(x), name="conv8")(x, train=train)  # [1, 10, 1, batch]
        return x[0, :, 0].T


class SumAdder(nn.Module):
    """Add a number to the digit's logits: one-hot, and on to the sum's; 14,003 parameters."""

    dropout_rate: float = 0.01
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, digit_logits: Float[Array, "batch 10"], number: Int[Array, " batch"], *, train: bool
    ) -> Float[Array, "batch 19"]:
        def block(index: int, features: int) -> DenseBlock:
            return DenseBlock(features, self.dropout_rate, self.axis_name, name=f"block{index}")

        one_hot = jax.nn.one_hot(number, NUM_NUMBERS, dtype=digit_logits.dtype)
        x = jnp.concatenate([digit_logits, one_hot], axis=-1)  # [batch, 20]
        x = block(1, features=32)(x, train)
        x = block(2, features=64)(x, train)
        x = block(3, features=128)(x, train)
        return dense(NUM_SUMS, x.shape[-1], name="dense4")(x)


class ExactAdder(nn.Module):
    """Add without parameters: the sum is distributed as the digit is, moved by the number."""

    @nn.compact
    def __call__(
        self, digit_logits: Float[Array, "batch 10"], number: Int[Array, " batch"], *, train: bool
    ) -> Float[Array, "batch 19"]:
        digit = jnp.arange(NUM_SUMS)[None] - number[:, None]
        possible = (digit >= 0) & (digit < NUM_DIGITS)
        logits = jnp.take_along_axis(digit_logits, digit.clip(0, NUM_DIGITS - 1), axis=1)
        return jnp.where(possible, logits, IMPOSSIBLE)


class MnistSum(nn.Module):
    """Read the digit in an image and add a number to it; 21,843 parameters."""

    dropout_rate: float = 0.01
    axis_name: str | None = None
    exact_adder: bool = False

    def setup(self) -> None:
        self.encoder = DigitEncoder(self.dropout_rate, self.axis_name)
        self.adder = (
            ExactAdder() if self.exact_adder else SumAdder(self.dropout_rate, self.axis_name)
        )

    def __call__(
        self,
        image: Real[Array, "batch 28 28"],
        number: Int[Array, "batch ..."],
        *,
        train: bool = False,
    ) -> Outputs:
        """Compute both outputs; pixels are 0..255, numbers 0..9, one for each image or several.

        Training needs the random stream "dropout" and makes "batch_stats" mutable. Forward
        differentiation, as by jax.jvp, needs train=False.
        """
        digit_logits = self.encoder(image, train=train)
        pairs = jnp.repeat(digit_logits, number.size // image.shape[0], axis=0)
        sum_logits = self.adder(pairs, number.reshape(-1), train=train)
        return Outputs(nn.log_softmax(digit_logits), sum_logits.reshape(*number.shape, NUM_SUMS))


def make_model(recipe: Recipe, axis_name: str | None = None) -> MnistSum:
    """Make the network of a recipe; `axis_name` is that of pmap or shard_map around it."""
    return MnistSum(recipe.dropout_rate, axis_name, recipe.adder == "exact")


def init_variables(recipe: Recipe, key: Key[Array, ""]) -> dict[str, Any]:
    """Draw the initial weights of a recipe's network; running statistics start as 0 and 1."""
    image, number = jnp.zeros((2, 28, 28), jnp.uint8), jnp.zeros(2, jnp.int32)
    return dict(make_model(recipe).init(key, image, number))
