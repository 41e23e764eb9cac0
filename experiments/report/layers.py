"""The network's layers and their receptive fields, read from the network itself."""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Shaped

from experiments.report.tables import text_table
from mnist_sum.learning.model import MnistSum


class Layer(NamedTuple):
    """A module of the network that has none within; or the pool or a ReLU, which are functions."""

    name: str
    """Its path, as in encoder/block1/conv."""
    shape: tuple[int, ...]
    """What comes out for one image: channel, height, width; or features."""
    parameters: int = 0
    window: int | None = None
    """Side of the window that slides over the image, if one does."""
    stride: int = 1


def list_layers(model: MnistSum) -> list[Layer]:
    """List the layers in the order in which they are evaluated.

    What enters a module that has none within is compared with what left the one before: that shows
    the functions in between. A dropout that drops nothing is left out.
    """
    layers: list[Layer] = []
    last: Array | None = None

    def record(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        nonlocal last
        before, module = len(layers), context.module
        outputs = call(*args, **kwargs)
        if context.method_name == "__call__" and len(layers) == before:
            if last is not None and args[0] is not last and args[0].ndim == last.ndim:
                layers.append(find_function(last, args[0], module.path))
            if getattr(module, "rate", None) != 0:
                count = sum(x.size for x in jax.tree.leaves(module.variables.get("params", {})))
                window = getattr(module, "window", None)
                layers.append(Layer("/".join(module.path), shape_of(outputs), count, window))
            last = outputs
        return outputs

    image, number = jnp.zeros((1, 28, 28)), jnp.zeros(1, int)
    with nn.intercept_methods(record):
        jax.eval_shape(partial(model.init, train=False), jax.random.key(0), image, number)
    return layers


def find_function(
    last: Shaped[Array, "..."], entering: Shaped[Array, "..."], path: tuple[str, ...]
) -> Layer:
    """Describe what was done between two modules: the pool, or else the ReLU."""
    stride = last.shape[0] // entering.shape[0]
    if stride > 1:
        return Layer(f"{path[0]}/max_pool", shape_of(entering), window=stride, stride=stride)
    return Layer("/".join((*path[:-1], "relu")), shape_of(entering))


def shape_of(x: Shaped[Array, "..."]) -> tuple[int, ...]:
    """Take the shape for one image: all axes but the batch, the channels first."""
    return (x.shape[1], x.shape[0], x.shape[2]) if x.ndim == 4 else x.shape[1:]


def receptive_fields(layers: list[Layer]) -> list[tuple[Layer, int]]:
    """List the layers with a window, each with its receptive field.

    That is the side, in pixels, of the square of the image that one output depends on.
    """
    fields = []
    field, spacing = 1, 1  # spacing: pixels of the image between neighbouring outputs
    for layer in layers:
        if layer.window:
            field += (layer.window - 1) * spacing
            spacing *= layer.stride
            fields.append((layer, field))
    return fields


def layer_table(layers: list[Layer]) -> str:
    """List the layers with their output for one image (channel, height, width), and parameters."""
    rows = [(layer.name, " x ".join(map(str, layer.shape)), layer.parameters) for layer in layers]
    total = "total", "", sum(layer.parameters for layer in layers)
    return text_table([("layer", "output", "parameters"), *rows, total])


def receptive_field_table(layers: list[Layer]) -> str:
    """List how much of the image an output of each layer sees."""
    rows = [
        (layer.name, f"{window} x {window}", layer.stride, f"{size} x {size}", f"{field} x {field}")
        for layer, field in receptive_fields(layers)
        for window, size in [(layer.window, layer.shape[-1])]
    ]
    return text_table([("layer", "window", "stride", "output", "pixels"), *rows])
