"""StableHLO: what JAX compiles, for processors and NVIDIA GPUs and any number of images at once."""

import dataclasses
import json
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array, Float, Int, UInt8

from experiments.exporting import EXPLANATION, Compute
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network
from mnist_sum.recipe import NUM_NUMBERS

PLATFORMS = ("cpu", "cuda")


def to_stablehlo(network: Network, description: dict[str, Any]) -> tuple[bytes, Compute]:
    """Make the content of a file as jax.export serializes it, and what JAX computes by it."""

    def compute(
        image: UInt8[Array, "batch 28 28"], number: Int[Array, " batch"]
    ) -> tuple[Float[Array, "batch 10"], Float[Array, "batch 19"]]:
        outputs = cast(Outputs, network.model.apply(network.variables, image, number, train=False))
        possible = (number >= 0) & (number < NUM_NUMBERS)
        sum_logits = jnp.where(possible[:, None], outputs.sum_logits, jnp.nan)
        # A plain tuple, as this package would be needed to load a type of ours.
        return outputs.digit_log_probabilities, sum_logits

    (batch,) = export.symbolic_shape("batch")
    exported = export.export(jax.jit(compute), platforms=PLATFORMS)(
        jax.ShapeDtypeStruct((batch, 28, 28), jnp.uint8),
        jax.ShapeDtypeStruct((batch,), jnp.int32),
    )
    # The function's name is the one place that is kept for a text.
    name = f"{EXPLANATION}\n{json.dumps(description)}"
    content = bytes(dataclasses.replace(exported, fun_name=name).serialize())
    call = export.deserialize(bytearray(content)).call
    return content, lambda image, number: Outputs(*call(image, jnp.asarray(number, jnp.int32)))
