"""Export a trained network: python -m experiments.export runs/base --to onnx --output base.onnx."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import sys
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro

from experiments.formats import EXPLANATION, Compute, by_library, convert
from experiments.system.arguments import command
from mnist_sum.data import load
from mnist_sum.devices import use_processor
from mnist_sum.errors import UsageError
from mnist_sum.files.weights import read_weights
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network
from mnist_sum.outputs import check_output, write_output

TOLERANCE = 1e-3  # of a logarithm of a probability; operators in another order round otherwise


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Write a network for other programs, once what is written gives the network's answers."""

    source: tyro.conf.Positional[Path]
    """Work folder of a run, or a file of weights."""
    to: Literal["onnx", "stablehlo", "safetensors", "torch"]
    """ONNX; StableHLO of jax.export; this package's weights; the original's state_dict."""
    output: Path
    """The file to write."""


def run(options: ExportOptions) -> None:
    use_processor()  # the products of a GPU are rounded more
    # Weights and a state_dict do not hold the explanation, and are never replaced.
    check_output(options.output, [options.source], mark=EXPLANATION.encode())
    network, provenance = read_source(options.source)
    try:
        content, compute = convert(network, provenance, options.to)
    except ModuleNotFoundError as error:
        extra = {"onnx": "export", "torch": "parity"}[options.to]
        raise UsageError(
            f"--to {options.to} needs {error.name}: install the extra {extra!r} of this project."
        ) from error
    difference = compare(network, compute)
    write_output(options.output, lambda file: file.write(content))
    print(
        f"{options.output} ({len(content):,} bytes) gives the answers of {options.source} on the "
        f"test images of the sample; the largest difference of an output is {difference:.1e}."
    )


def read_source(path: Path) -> tuple[Network, dict[str, Any]]:
    """Read a network and its provenance, both at once as a run may go on; raises WeightsError."""
    if not path.is_dir():
        network, description = read_weights(path)
        return network, description["provenance"]
    from mnist_sum.files.checkpoint import read_run  # Orbax, which a file of weights doesn't need

    saved = read_run(path)
    epochs, steps, test = len(saved.records), int(saved.state.step), saved.records[-1]["test"]
    reached = {"epochs_done": epochs, "steps": steps, "test": test}
    return Network(saved.recipe, saved.state.variables), {**saved.provenance, **reached}


def compare(network: Network, compute: Compute) -> float:
    """Return the largest difference of an output; raises UsageError if it is no mere rounding."""
    test, difference = load("sample").test, 0.0
    outputs = [f(test.image, test.number) for f in (by_library(network), compute)]
    for name, ours, theirs in zip(Outputs._fields, *jax.device_get(outputs), strict=True):
        same = ours.shape == theirs.shape and (ours.argmax(1) == theirs.argmax(1)).all()
        if not same or not np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE):
            raise UsageError(f"Converted {name} differ: nothing is written; try another format.")
        difference = max(difference, float(np.abs(ours - theirs).max()))
    return difference


main = command(ExportOptions, "export", run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
