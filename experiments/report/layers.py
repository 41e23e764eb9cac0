"""The network's layers and their receptive fields, read from the network itself."""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
from jaxtyping import Array, Shaped

from experiments.report import Row, text_table
from mnist_sum.learning.model import init_variables
from mnist_sum.recipe import Recipe


class Layer(NamedTuple):
    """A module of the network that has none within; or the pool or a ReLU, which are functions."""

    name: str  # its path, as in encoder/block1/conv
    shape: tuple[int, ...]  # of what comes out for one image: channel, height, width; or features
    parameters: int = 0
    window: int | None = None  # side of the window that slides over the image, if one does
    stride: int = 1


def list_layers(recipe: Recipe) -> list[Layer]:
    """List the layers of a recipe's network in the order in which they are evaluated.

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
            entering = args[0]
            if last is not None and entering is not last and entering.ndim == last.ndim:
                stride = last.shape[0] // entering.shape[0]
                path = (module.path[0], "max_pool") if stride > 1 else (*module.path[:-1], "relu")
                window = stride if stride > 1 else None
                layers.append(Layer("/".join(path), shape_of(entering), 0, window, stride))
            if getattr(module, "rate", None) != 0:
                count = sum(x.size for x in jax.tree.leaves(module.variables.get("params", {})))
                window = getattr(module, "window", None)
                layers.append(Layer("/".join(module.path), shape_of(outputs), count, window))
            last = outputs
        return outputs

    with nn.intercept_methods(record):
        jax.eval_shape(partial(init_variables, recipe), jax.random.key(0))
    return layers


def shape_of(x: Shaped[Array, "..."]) -> tuple[int, ...]:
    """Take the shape for one image: all axes but the batch, the channels first."""
    return (x.shape[1], x.shape[0], x.shape[2]) if x.ndim == 4 else x.shape[1:]


def layer_table(layers: list[Layer]) -> str:
    """List the layers, and the square of the image, in pixels, that their outputs see."""
    rows: list[Row] = [("layer", "output", "parameters", "window", "stride", "sees")]
    field, spacing = 1, 1  # spacing: pixels of the image between neighbouring outputs
    for name, shape, parameters, window, stride in layers:
        cells = ["", "", ""]
        if window:
            field += (window - 1) * spacing
            spacing *= stride
            cells = [f"{window} x {window}", f"{stride}", f"{field} x {field}"]
        rows.append((name, " x ".join(map(str, shape)), parameters, *cells))
    total = sum(layer.parameters for layer in layers)
    return text_table([*rows, ("total", "", total, "", "", "")])
