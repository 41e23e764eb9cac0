"""ONNX: the network as a graph of its operators, for any number of images at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from flax.traverse_util import flatten_dict
from jaxtyping import Int, Shaped, UInt8
from onnx import TensorProto, helper, numpy_helper

from mnist_sum.learning.model import IMPOSSIBLE, Outputs
from mnist_sum.learning.network import Network
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS, NUM_SUMS

OPSET, IR_VERSION = 17, 8  # of 2022, so that older runtimes read the file too
EPSILON = 1e-5  # of batch norm
POOLED = "block3"  # the block whose output is pooled
DENSE = {"kernel": (1, 0), "bias": (0,)}
CONV = {"kernel": (3, 2, 0, 1)}  # [height, width, in, out] -> [out, in, height, width]


class Graph:
    """Nodes and constants as they are added, each node named by its output."""

    def __init__(self, leaves: dict[str, Shaped[np.ndarray, "..."]]) -> None:
        self.leaves = leaves
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, array: Any) -> str:
        """Add an array; returns its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def variable(self, path: str, axes: tuple[int, ...] = (0,)) -> str:
        """Add a variable of the network, its axes in another order; returns its name."""
        return self.constant(path, self.leaves[path].transpose(axes))

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def normalize(self, x: str, layer: str) -> str:
        """Add a batch norm with its running statistics, and a ReLU."""
        names = ("params/{}/scale", "params/{}/bias", "batch_stats/{}/mean", "batch_stats/{}/var")
        inputs = [self.variable(name.format(f"{layer}/norm")) for name in names]
        x = self.node("BatchNormalization", [x, *inputs], f"{layer}/norm", epsilon=EPSILON)
        return self.node("Relu", [x], f"{layer}/relu")

    def convolve(self, x: str, layer: str) -> str:
        """Add a convolution."""
        kernel = self.variable(f"params/{layer}/kernel", CONV["kernel"])
        return self.node("Conv", [x, kernel], layer)

    def multiply(self, x: str, layer: str) -> str:
        """Add a dense layer."""
        inputs = [self.variable(f"params/{layer}/{name}", axes) for name, axes in DENSE.items()]
        return self.node("Gemm", [x, *inputs], layer, transB=1)


def encode(graph: Graph) -> str:
    """Add the encoder; returns the name of the digit's logits."""
    x = graph.node("Cast", ["image"], "pixels", to=TensorProto.FLOAT)
    x = graph.node("Unsqueeze", [x, graph.constant("channel", [1])], "encoder/images")
    for index in range(1, 8):
        block = f"encoder/block{index}"
        x = graph.normalize(graph.convolve(x, f"{block}/conv"), block)
        if block.endswith(POOLED):
            x = graph.node("MaxPool", [x], f"{block}/pool", kernel_shape=[2, 2], strides=[2, 2])
    x = graph.convolve(x, "encoder/conv8")
    return graph.node("Flatten", [x], "digit_logits")


def add(graph: Graph, digit_logits: str) -> None:
    """Add the adder that was trained."""
    depth = graph.constant("numbers", np.array(NUM_NUMBERS))
    values = graph.constant("off_and_on", np.array([0, 1], np.float32))
    one_hot = graph.node("OneHot", ["index", depth, values], "one_hot")
    x = graph.node("Concat", [digit_logits, one_hot], "adder/inputs", axis=1)
    for index in range(1, 4):
        block = f"adder/block{index}"
        x = graph.normalize(graph.multiply(x, f"{block}/dense"), block)
    x = graph.multiply(x, "adder/dense4")
    graph.node("Identity", [x], "sum_logits")


def add_exactly(graph: Graph, digit_logits: str) -> None:
    """Add the adder without parameters: of each sum, the digit that makes it with the number."""
    digit = np.arange(NUM_SUMS) - np.arange(NUM_NUMBERS)[:, None]
    digit = np.where((digit >= 0) & (digit < NUM_DIGITS), digit, NUM_DIGITS)
    rows = graph.node("Gather", [graph.constant("digit_of_sum", digit), "index"], "digits")
    padding = graph.constant("after", np.array([0, 0, 0, 1]))
    impossible = graph.constant("impossible", np.float32(IMPOSSIBLE))
    logits = graph.node("Pad", [digit_logits, padding, impossible], "with_impossible")
    graph.node("GatherElements", [logits, rows], "sum_logits", axis=1)


def write(network: Network, path: Path) -> None:
    """Write a network as ONNX; raises OSError."""
    leaves = flatten_dict(network.variables, sep="/")
    graph = Graph({name: np.asarray(leaf) for name, leaf in leaves.items()})
    logits = encode(graph)
    graph.node("LogSoftmax", [logits], "digit_log_probabilities", axis=1)
    graph.node("Cast", ["number"], "index", to=TensorProto.INT64)
    (add_exactly if network.recipe.adder == "exact" else add)(graph, logits)
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 28, 28]),
        helper.make_tensor_value_info("number", TensorProto.INT32, ["batch"]),
    ]
    sizes = {"digit_log_probabilities": NUM_DIGITS, "sum_logits": NUM_SUMS}
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in sizes.items()
    ]
    made = helper.make_graph(graph.nodes, "mnist_sum", inputs, outputs, graph.constants)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(
        made, opset_imports=[opset], ir_version=IR_VERSION, producer_name="mnist_sum"
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def read(
    path: Path,
) -> Callable[[UInt8[np.ndarray, "batch 28 28"], Int[np.ndarray, " batch"]], Outputs]:
    """Load the file into ONNX Runtime; returns what computes the outputs."""
    from onnxruntime import InferenceSession

    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    names = list(Outputs._fields)

    def compute(
        image: UInt8[np.ndarray, "batch 28 28"], number: Int[np.ndarray, " batch"]
    ) -> Outputs:
        return Outputs(*session.run(names, {"image": image, "number": number.astype(np.int32)}))

    return compute
