"""The model's layers and their receptive fields, read from the model itself."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.module import InterceptorContext
from jaxtyping import Array, Shaped

from mnist_sum.learning.model import MnistSum


class Layer(NamedTuple):
    """A module of the model that has none within; or the pool or a ReLU, which are functions."""

    name: str
    """Its path, as in encoder/block1/conv."""
    shape: tuple[int, ...]
    """What comes out for one image: channel, height, width; or features."""
    parameters: int = 0
    window: int | None = None
    """Side of the window that slides over the image, if one does."""
    stride: int = 1


class ReceptiveField(NamedTuple):
    """How much of the image one output of a layer depends on."""

    name: str
    window: int
    stride: int
    size: int
    """Side of the layer's output."""
    field: int
    """Side of the square of the image that one output depends on, in pixels."""


def receptive_fields(layers: list[Layer]) -> list[ReceptiveField]:
    """Compute the receptive fields of the convolutions and the pooling, in their order."""
    fields = []
    field, spacing = 1, 1  # spacing: pixels of the image between neighbouring outputs
    for layer in layers:
        if layer.window:
            field += (layer.window - 1) * spacing
            spacing *= layer.stride
            fields.append(
                ReceptiveField(layer.name, layer.window, layer.stride, layer.shape[-1], field)
            )
    return fields


def list_layers(model: MnistSum) -> list[Layer]:
    """List the layers in the order in which they are evaluated.

    What enters a module that has none within is compared with what left the one before: that shows
    the functions in between. A dropout that drops nothing is left out.
    """
    layers: list[Layer] = []
    last: Array | None = None

    def record(
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: InterceptorContext,
    ) -> Any:
        nonlocal last
        before = len(layers)
        outputs = call(*args, **kwargs)
        if context.method_name == "__call__" and len(layers) == before:
            layers.extend(find_function(last, args[0], context.module))
            if getattr(context.module, "rate", None) != 0:
                layers.append(describe_module(context.module, outputs))
            last = outputs
        return outputs

    image, number = jnp.zeros((1, 28, 28)), jnp.zeros(1, int)
    with nn.intercept_methods(record):
        jax.eval_shape(partial(model.init, train=False), jax.random.key(0), image, number)
    return layers


def describe_module(module: nn.Module, outputs: Shaped[Array, "..."]) -> Layer:
    """Describe a module that has been evaluated."""
    parameters = sum(x.size for x in jax.tree.leaves(module.variables.get("params", {})))
    window = getattr(module, "window", None)
    return Layer("/".join(module.path), shape_of(outputs), parameters, window)


def find_function(
    last: Shaped[Array, "..."] | None, entering: Shaped[Array, "..."], module: nn.Module
) -> list[Layer]:
    """Describe what was done between two modules, if it was: the pool, or else the ReLU."""
    if last is None or entering is last or entering.ndim != last.ndim:
        return []
    shape = shape_of(entering)
    stride = last.shape[0] // entering.shape[0]
    if stride > 1:
        return [Layer(f"{module.path[0]}/max_pool", shape, window=stride, stride=stride)]
    return [Layer("/".join((*module.path[:-1], "relu")), shape)]


def shape_of(x: Shaped[Array, "..."]) -> tuple[int, ...]:
    """Take the shape for one image: all axes but the batch, the channels first."""
    if x.ndim == 4:
        height, channel, width, _ = x.shape
        return channel, height, width
    return x.shape[1:]
