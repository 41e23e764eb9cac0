"""StableHLO: what JAX compiles, for processors and NVIDIA GPUs and any number of images at once."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array, Int, UInt8

from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network

PLATFORMS = ("cpu", "cuda")

Function = Callable[[UInt8[Array, "batch 28 28"], Int[Array, " batch"]], tuple[Array, ...]]


def write(network: Network, path: Path) -> None:
    """Write a network, its weights within, as jax.export serializes it; raises OSError."""

    def compute(image: UInt8[Array, "batch 28 28"], number: Int[Array, " batch"]) -> tuple:
        outputs = network.model.apply(network.variables, image, number, train=False)
        return tuple(cast(Outputs, outputs))  # a type of ours would need this package to load

    (batch,) = export.symbolic_shape("batch")
    exported = export.export(jax.jit(compute), platforms=PLATFORMS)(
        jax.ShapeDtypeStruct((batch, 28, 28), jnp.uint8),
        jax.ShapeDtypeStruct((batch,), jnp.int32),
    )
    path.write_bytes(exported.serialize())


def read(path: Path) -> Callable[..., Outputs]:
    """Load the file; returns what computes the outputs."""
    exported = export.deserialize(bytearray(path.read_bytes()))
    return lambda image, number: Outputs(*exported.call(image, jnp.asarray(number, jnp.int32)))
