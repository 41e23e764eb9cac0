"""Export a trained network: python -m experiments.export runs/base --to onnx --output base.onnx."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro

from experiments.exporting.source import Source, read_source
from experiments.system.arguments import parse_options
from mnist_sum.data import load
from mnist_sum.devices import use_processor
from mnist_sum.errors import UsageError, WeightsError
from mnist_sum.files.weights import load_weights, save_weights
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network
from mnist_sum.terminal import exit_code

TOLERANCE = 1e-3  # of a logarithm of a probability; operators in another order round otherwise
EXTRAS = {"onnx": "export", "onnxruntime": "export", "torch": "parity"}

Compute = Callable[[Any, Any], Outputs]


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Write a network for other programs, load what was written, and compare the answers."""

    source: tyro.conf.Positional[Path]
    """Work folder of a run, or a file of weights."""
    to: Literal["onnx", "stablehlo", "safetensors", "torch"]
    """ONNX; StableHLO of jax.export; this package's weights; the original's state_dict."""
    output: Path
    """The file to write."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(parse_options(ExportOptions, "export", argv)))


def run(options: ExportOptions) -> None:
    """Write a file beside the one that is asked for, try it, and put it in its place."""
    use_processor()  # the products of a GPU are rounded more
    partial = options.output.with_name(f".{options.output.name}.partial")
    try:
        source = read_source(options.source)
        compute = export(source, options.to, partial)
        difference = compare(source.network, compute)
        partial.replace(options.output)
    except WeightsError as error:
        raise UsageError(str(error)) from error
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(str(error.name))
        if extra is None:
            raise
        raise UsageError(
            f"--to {options.to} needs {error.name}: install the extra {extra!r} of this project."
        ) from error
    except OSError as error:
        raise UsageError(
            f"{options.output} cannot be written ({error.strerror}); choose another --output."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    print(
        f"{options.output} ({options.output.stat().st_size:,} bytes) gives the answers of "
        f"{options.source} on the {len(sample().digit):,} test images of the sample; the largest "
        f"difference of an output is {difference:.1e}."
    )


def export(source: Source, to: str, path: Path) -> Compute:
    """Write a network; returns what computes its outputs by the file that was written.

    Each format's library is imported for it alone.
    """
    network = source.network
    if to == "onnx":
        import onnxruntime  # noqa: F401  # or it would be missed after the file is written

        from experiments.exporting import onnx_file

        onnx_file.write(network, path)
        return onnx_file.read(path)
    if to == "stablehlo":
        from experiments.exporting import stablehlo_file

        stablehlo_file.write(network, path)
        return stablehlo_file.read(path)
    if to == "torch":
        from experiments.exporting import torch_file

        torch_file.write(network, path, source.steps)
        return by_library(torch_file.read(path, network.recipe))
    save_weights(network, path, source.provenance)
    return by_library(load_weights(path))


def compare(network: Network, compute: Compute) -> float:
    """Return the largest difference of what a file computes from the network's own outputs.

    Raises UsageError if it is more than rounding, or changes an answer.
    """
    test = sample()
    expected = by_library(network)(test.image, test.number)
    found = compute(test.image, test.number)
    difference = 0.0
    for name, one, other in zip(Outputs._fields, expected, found, strict=True):
        ours, theirs = np.asarray(one), np.asarray(other)
        same = ours.shape == theirs.shape and (ours.argmax(1) == theirs.argmax(1)).all()
        if not same or not np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE):
            raise UsageError(f"The file computes other {name} than the network: do not use it.")
        difference = max(difference, float(np.abs(ours - theirs).max()))
    return difference


def by_library(network: Network) -> Compute:
    """Return what computes the outputs of a network here."""
    return jax.jit(
        lambda image, number: network.model.apply(network.variables, image, number, train=False)
    )


def sample() -> Any:
    """Load the test images of the sample."""
    return load("sample").test


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
