"""The model's layers and their receptive fields, read from the model itself."""

from collections.abc import Callable, Sequence
from itertools import chain
from math import prod
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.module import InterceptorContext
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import Jaxpr, JaxprEqn, Literal
from jaxtyping import Array, Int, Key, Real

from mnist_sum.layers import BatchNorm, Conv, Dropout
from mnist_sum.model import ExactAdder, MnistSum, Outputs

BATCH = 97  # a length that no other axis has, to tell the batch axis by
INPUTS = ("image", "number")
MODULES = {
    Conv: "conv",
    BatchNorm: "norm",
    Dropout: "dropout",
    nn.Dense: "dense",
    ExactAdder: "adder",
}
FUNCTIONS = {  # what JAX calls the layers that are functions and not modules
    "relu": "relu",
    "reduce_window_max": "max_pool",
    "_one_hot": "one_hot",
    "concatenate": "concatenate",
    "log_softmax": "log_softmax",
}


class Layer(NamedTuple):
    """A layer of the model, or one of its inputs or outputs."""

    name: str
    """The path of its module, as in encoder/block1/conv."""
    kind: str
    """One of the values of MODULES and FUNCTIONS, or input or output."""
    shape: tuple[int, ...] = ()
    """What comes out for one image: channel, height, width; or features."""
    parameters: int = 0
    sources: tuple[str, ...] = ()
    """Names of the layers whose outputs go in."""
    window: int = 1
    """Side of the window that slides over the image."""
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
        if layer.kind in ("conv", "max_pool"):
            field += (layer.window - 1) * spacing
            spacing *= layer.stride
            fields.append(
                ReceptiveField(layer.name, layer.window, layer.stride, layer.shape[-1], field)
            )
    return fields


def list_layers(model: MnistSum) -> list[Layer]:
    """List inputs, layers and outputs in the order in which training evaluates them.

    They are found in one abstract evaluation: modules mark in the traced program where they begin
    and end, functions are known by their names, and the flow of data between both gives the
    sources. A dropout that drops nothing is left out.
    """
    image = jax.ShapeDtypeStruct((BATCH, 28, 28), jnp.uint8)
    number = jax.ShapeDtypeStruct((BATCH,), jnp.int32)
    key = jax.eval_shape(lambda: jax.random.key(0))
    variables = jax.eval_shape(lambda *args: model.init(*args, train=False), key, image, number)
    modules: dict[str, nn.Module] = {}

    def evaluate(
        image: Real[Array, "batch 28 28"],
        number: Int[Array, " batch"],
        variables: dict[str, Any],
        key: Key[Array, ""],
    ) -> Outputs:
        with nn.intercept_methods(lambda *args: mark_module(modules, *args)):
            outputs, _ = model.apply(
                variables, image, number, train=True, rngs={"dropout": key}, mutable="batch_stats"
            )
        return outputs

    program = jax.make_jaxpr(evaluate)(image, number, variables, key)
    return read_program(program.jaxpr, modules, variables["params"])


def mark_module(
    modules: dict[str, nn.Module],
    call: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    context: InterceptorContext,
) -> Any:
    """Evaluate a module between two marks in the traced program; keep it if it is a layer."""
    module, path = context.module, "/".join(context.module.path)
    within_layer = any(path.startswith(f"{layer}/") for layer in modules)
    if context.method_name != "__call__" or within_layer:
        return call(*args, **kwargs)
    if isinstance(module, tuple(MODULES)) and getattr(module, "rate", None) != 0:
        modules[path] = module
    x = checkpoint_name(args[0], f"enter:{path}")
    return checkpoint_name(call(x, *args[1:], **kwargs), f"leave:{path}")


def read_program(
    program: Jaxpr, modules: dict[str, nn.Module], params: dict[str, Any]
) -> list[Layer]:
    """Find the layers in a traced program, and by its variables what goes into which."""
    sources: dict[Any, tuple[str, ...]] = {}  # by variable
    layers = []
    for name, variable in zip(INPUTS, program.invars, strict=False):  # the weights come after
        sources[variable] = (name,)
        layers.append(Layer(name, "input", shape_of(variable)))
    module = ""
    for equation in program.eqns:
        layer = None
        incoming = merge(sources, equation.invars)
        if equation.primitive.name == "name":
            event, path = equation.params["name"].split(":")
            module = path if event == "enter" else path.rpartition("/")[0]
            if event == "leave" and path in modules:
                layer = module_layer(path, modules[path], params)
        elif module not in modules:
            layer = function_layer(module, equation)
        if layer:
            shape = shape_of(equation.outvars[0])
            layers.append(layer._replace(shape=shape, sources=incoming))
            incoming = (layer.name,)
        sources.update(dict.fromkeys(equation.outvars, incoming))
    for name, result in zip(Outputs._fields, program.outvars, strict=True):
        layers.append(Layer(name, "output", shape_of(result), sources=merge(sources, [result])))
    return layers


def merge(sources: dict[Any, tuple[str, ...]], variables: Sequence[Any]) -> tuple[str, ...]:
    """Join the sources of variables, each once, in their order; literal values have none."""
    known = (sources.get(x, ()) for x in variables if not isinstance(x, Literal))
    return tuple(dict.fromkeys(chain.from_iterable(known)))


def shape_of(variable: Any) -> tuple[int, ...]:
    """Take the shape for one image: all axes but the batch, the channels first."""
    shape = tuple(length for length in variable.aval.shape if length != BATCH)
    if len(shape) == 3:
        height, channel, width = shape
        return channel, height, width
    return shape


def module_layer(path: str, module: nn.Module, params: dict[str, Any]) -> Layer:
    """Describe a module, but for what goes in and out."""
    kind = next(kind for type_, kind in MODULES.items() if isinstance(module, type_))
    for name in path.split("/"):
        params = params.get(name, {})
    parameters = sum(prod(x.shape) for x in jax.tree.leaves(params))
    return Layer(path, kind, parameters=parameters, window=getattr(module, "window", 1))


def function_layer(module: str, equation: JaxprEqn) -> Layer | None:
    """Describe a function, but for what goes in and out, if it is one of FUNCTIONS."""
    wrapped = equation.params.get("call_jaxpr")  # by jax.custom_jvp or jax.custom_vjp
    for inner in wrapped.eqns if wrapped else [equation]:
        name = inner.params.get("name", inner.primitive.name)
        if name in FUNCTIONS:
            kind = FUNCTIONS[name]
            window = max(inner.params.get("window_dimensions", [1]))
            stride = max(inner.params.get("window_strides", [1]))
            return Layer(f"{module}/{kind}".lstrip("/"), kind, window=window, stride=stride)
    return None
