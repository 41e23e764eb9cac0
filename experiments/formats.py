"""Networks for other programs; a file says of itself what goes in and what comes out."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from io import BytesIO
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from flax.traverse_util import unflatten_dict
from jax import export
from jaxtyping import Array

from mnist_sum.files.torch import AXES, from_torch, to_torch
from mnist_sum.files.weights import describe_arrays, name_leaves, pack
from mnist_sum.learning.layers import BatchNorm
from mnist_sum.learning.model import IMPOSSIBLE, Outputs
from mnist_sum.learning.network import Network
from mnist_sum.recipe import NUM_NUMBERS, NUM_SUMS
from mnist_sum.version import VERSION

# Tables by number have one more row: numbers above 9 are made 10, those below 0 are made -1, which
# is the last row too. To add exactly, the digits' logits get impossible ones on both sides, and the
# sums' are those at a place that depends on the number.
CONSTANTS = {
    "channel": np.array([1]),
    "least": np.array(-1, np.int32),
    "most": np.array(NUM_NUMBERS, np.int32),
    "one_hot_of_row": np.eye(NUM_NUMBERS + 1, NUM_NUMBERS, dtype=np.float32),
    "nan_of_row": np.array([*[[0]] * NUM_NUMBERS, [np.nan]], np.float32),
    "both_sides": np.array([0, NUM_NUMBERS, 0, NUM_NUMBERS]),
    "impossible": np.array(IMPOSSIBLE, np.float32),
    "places_of_row": np.arange(NUM_SUMS) + np.arange(NUM_NUMBERS, -1, -1)[:, None],
}
INTERFACE = {
    "image": (
        "uint8 [batch, 28, 28], pixels 0 .. 255, not scaled to 0 .. 1 and not standardised: a "
        "light digit upright on dark ground, as MNIST has them"
    ),
    "number": "int32 [batch], what to add to each digit, 0 .. 9; any other makes the sum NaN",
    "digit_log_probabilities": (
        "float32 [batch, 10], log-probabilities of the digits 0 .. 9; the largest is the answer"
    ),
    "sum_logits": "float32 [batch, 19], logits of the sums 0 .. 18; the largest is the answer",
}
PURPOSE = "mnist_sum: an image of a digit and a number in, the digit and their sum out."
EXPLANATION = "\n".join([PURPOSE, *(f"{name}: {text}." for name, text in INTERFACE.items())])

Compute = Callable[[Any, Any], Outputs]  # of images and numbers


def convert(network: Network, provenance: dict[str, Any], to: str) -> tuple[bytes, Compute]:
    """Make the content of a file, and what computes by it."""
    description = describe_arrays(network.recipe, provenance, name_leaves(network.variables))
    if to == "onnx":
        return to_onnx(network, description)
    if to == "stablehlo":
        return to_stablehlo(network, description)
    if to == "torch":
        import torch

        steps = provenance.get("steps")
        state_dict = to_torch(network.variables, steps if isinstance(steps, int) else 0)
        buffer = BytesIO()
        torch.save({name: torch.from_numpy(x) for name, x in state_dict.items()}, buffer)
        content = buffer.getvalue()
        variables, _ = from_torch(torch.load(BytesIO(content), weights_only=True))
    else:
        content = pack(network, provenance)
        variables = unflatten_dict(safetensors.numpy.load(content), sep="/")
    return content, by_library(Network(network.recipe, variables))


def to_stablehlo(network: Network, description: dict[str, Any]) -> tuple[bytes, Compute]:
    """Make the content of a file as jax.export serializes it, and what JAX computes by it."""

    def compute(image: Array, number: Array) -> tuple[Array, Array]:
        outputs = by_library(network)(image, number)
        possible = (number >= 0) & (number < NUM_NUMBERS)
        sum_logits = jnp.where(possible[:, None], outputs.sum_logits, jnp.nan)
        # A plain tuple, as this package would be needed to load a type of ours.
        return outputs.digit_log_probabilities, sum_logits

    arguments = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int32)
    shapes = export.symbolic_args_specs(arguments, ("batch, ...", "batch"))
    exported = export.export(jax.jit(compute), platforms=("cpu", "cuda"))(*shapes)
    # The function's name is the one place that is kept for a text.
    name = f"{EXPLANATION}\n{json.dumps(description)}"
    content = bytes(dataclasses.replace(exported, fun_name=name).serialize())
    call = export.deserialize(bytearray(content)).call
    return content, lambda image, number: Outputs(*call(image, number))


def by_library(network: Network) -> Compute:
    return jax.jit(partial(network.model.apply, network.variables))


def to_onnx(network: Network, description: dict[str, Any]) -> tuple[bytes, Compute]:
    """Make the content of a file, and what ONNX Runtime computes by it."""
    import onnx
    from onnxruntime import InferenceSession

    last = sum(name.startswith("block") for name in network.variables["params"]["encoder"])
    model = onnx.parser.parse_model(write_model(network.recipe.adder == "exact", last))
    arrays = dict(CONSTANTS)
    for layer, kernel, bias in fold(network.variables):
        name = layer.replace("/", "_")
        arrays[f"{name}_kernel"] = kernel.transpose(AXES[kernel.ndim]).astype(np.float32)
        arrays[f"{name}_bias"] = bias.astype(np.float32)
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(x, name) for name, x in arrays.items() if name in used
    )
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = INTERFACE[value.name]
    model.doc_string = EXPLANATION
    onnx.helper.set_model_props(model, INTERFACE | {"mnist_sum": json.dumps(description)})
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    run = InferenceSession(content, providers=["CPUExecutionProvider"]).run
    return content, lambda image, number: Outputs(*run(None, {"image": image, "number": number}))


def write_model(exact: bool, last: int) -> str:
    """Write a model in ONNX's notation, of the versions of 2022 that older runtimes read too."""
    adder = f"""
        one_hot = Gather(one_hot_of_row, row)
        inputs = Concat<axis = 1>(digit_logits, one_hot)
        {blocks("Gemm<transB = 1>", "inputs", "adder", [1, 2, 3])}
        logits = Gemm<transB = 1>(adder_block3, adder_dense4_kernel, adder_dense4_bias)"""
    exact_adder = """
        places = Gather(places_of_row, row)
        with_impossible = Pad(digit_logits, both_sides, impossible)
        logits = GatherElements<axis = 1>(with_impossible, places)"""
    return f"""
    <ir_version: 8, opset_import: ["": 17],
     producer_name: "mnist_sum", producer_version: "{VERSION}">
    mnist_sum (uint8[batch, 28, 28] image, int32[batch] number)
    => (float[batch, 10] digit_log_probabilities, float[batch, 19] sum_logits) {{
        pixels = Cast<to = 1>(image)
        images = Unsqueeze(pixels, channel)
        {blocks("Conv", "images", "encoder", [1, 2, 3])}
        pooled = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(encoder_block3)
        {blocks("Conv", "pooled", "encoder", range(4, last + 1))}
        image_logits = Conv(encoder_block{last}, encoder_conv8_kernel)
        digit_logits = Flatten(image_logits)
        digit_log_probabilities = LogSoftmax<axis = 1>(digit_logits)
        row = Clip(number, least, most)
        {exact_adder if exact else adder}
        nan_or_0 = Gather(nan_of_row, row)
        sum_logits = Add(logits, nan_or_0)
    }}"""


def blocks(operator: str, x: str, part: str, indices: Iterable[int]) -> str:
    """Write convolutions or dense layers, batch norm folded into them, with a ReLU after each."""
    text = ""
    for name in (f"{part}_block{index}" for index in indices):
        text += f"""
        {name}_layer = {operator}({x}, {name}_kernel, {name}_bias)
        {name} = Relu({name}_layer)"""
        x = name
    return text


def fold(variables: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Fold each batch norm into the layer before it; returns the name, kernel and bias of each.

    In float64, so that nothing is lost before the weights are rounded to float32 once.
    """
    variables = jax.tree.map(lambda x: np.asarray(x, np.float64), variables)
    for part, blocks in variables["params"].items():
        for name, block in blocks.items():
            layer = block.get("conv") or block.get("dense") or block
            kernel = layer["kernel"]
            bias = layer.get("bias", np.zeros(kernel.shape[-1]))
            if "norm" in block:
                norm = block["norm"] | variables["batch_stats"][part][name]["norm"]
                factor = norm["scale"] / np.sqrt(norm["var"] + BatchNorm.epsilon)
                kernel, bias = kernel * factor, (bias - norm["mean"]) * factor + norm["bias"]
            yield f"{part}/{name}", kernel, bias
