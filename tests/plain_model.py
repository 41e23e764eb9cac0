"""The network as one would write it in Flax without a thought for speed: read this one first.

It computes what learning/model.py computes, as test_plain_model.py shows, with two differences:
flax.linen.BatchNorm remembers the biased variance and PyTorch, as ours, the unbiased one, and
flax.linen.Dropout draws other random bits.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Real

from mnist_sum.learning.model import Outputs


class PlainMnistSum(nn.Module):
    """Read the digit in an image and add a number to it."""

    dropout_rate: float = 0.01

    @nn.compact
    def __call__(
        self, image: Real[Array, "batch 28 28"], number: Int[Array, " batch"], *, train: bool
    ) -> Outputs:
        def conv(features: int, window: int) -> nn.Conv:
            return nn.Conv(features, (window, window), padding="VALID", use_bias=False)

        def norm(x: Float[Array, "..."]) -> Float[Array, "..."]:
            return nn.relu(nn.BatchNorm(not train, momentum=0.9, use_fast_variance=False)(x))

        def drop(x: Float[Array, "..."]) -> Float[Array, "..."]:
            return nn.Dropout(self.dropout_rate, deterministic=not train)(x)

        x = image[..., None].astype(jnp.float32)  # [batch, 28, 28, 1]
        x = drop(norm(conv(10, 3)(x)))  # [batch, 26, 26, 10]
        x = drop(norm(conv(10, 3)(x)))  # [batch, 24, 24, 10]
        x = norm(conv(15, 3)(x))  # [batch, 22, 22, 15]
        x = nn.max_pool(x, (2, 2), (2, 2))  # [batch, 11, 11, 15]
        x = drop(norm(conv(10, 1)(x)))  # [batch, 11, 11, 10]
        x = drop(norm(conv(10, 3)(x)))  # [batch, 9, 9, 10]
        x = drop(norm(conv(10, 3)(x)))  # [batch, 7, 7, 10]
        x = drop(norm(conv(10, 3)(x)))  # [batch, 5, 5, 10]
        digit_logits = conv(10, 5)(x)[:, 0, 0]  # [batch, 10]

        x = jnp.concatenate([digit_logits, jax.nn.one_hot(number, 10)], axis=-1)  # [batch, 20]
        x = drop(norm(nn.Dense(32)(x)))
        x = drop(norm(nn.Dense(64)(x)))
        x = drop(norm(nn.Dense(128)(x)))
        return Outputs(nn.log_softmax(digit_logits), nn.Dense(19)(x))
