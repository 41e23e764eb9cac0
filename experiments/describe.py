"""Show data, model and machine: python -m experiments.describe --config sample."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from experiments.report.layers import Layer, list_layers, receptive_fields
from experiments.report.tables import layer_table, receptive_field_table, text_table
from experiments.system.arguments import ConfigOptions, parse
from experiments.system.device import choose_devices
from experiments.system.environment import describe_environment
from experiments.system.self_check import self_check
from experiments.system.workdir import MODEL, SAMPLES
from mnist_sum.data import Splits, load
from mnist_sum.errors import UsageError
from mnist_sum.learning.model import make_model
from mnist_sum.recipe import Recipe
from mnist_sum.terminal import exit_code


@dataclasses.dataclass(frozen=True, kw_only=True)
class DescribeOptions(ConfigOptions):
    """Describe the data, the model and the machine, and draw the first two."""

    output: Path = Path("runs/description")
    """Folder for the pictures."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(*parse(DescribeOptions, "describe", argv)))


def run(name: str, options: DescribeOptions) -> None:
    """Print the descriptions and draw the pictures."""
    devices = choose_devices("auto")
    splits = load(options.config.dataset, options.data.data_dir, options.data.manual_dir)
    layers = list_layers(make_model(options.config.recipe))
    environment = describe_environment(devices)
    print_section(f"Pixels of {options.config.dataset}", pixel_table(splits))
    print_section("Layers, with their outputs for one image", layer_table(layers))
    print_section("Receptive fields", receptive_field_table(receptive_fields(layers)))
    print_section("Environment", text_table(list(environment.items())))
    print_section("Self-check", self_check(options.config.recipe))
    draw(splits, options.config.recipe, layers, options.output)
    print(f"Pictures: {options.output / MODEL}, {options.output / SAMPLES}")


def print_section(title: str, text: str) -> None:
    """Print a titled paragraph."""
    print(f"{title}\n\n{text}\n", flush=True)


def pixel_table(splits: Splits) -> str:
    """Compare the pixels of the training and of the test images."""
    head = ("images", "count", "mean", "std", "min", "max")
    rows = [
        (split, len(dataset.digit), *pixel_statistics(np.asarray(dataset.image)))
        for split, dataset in splits._asdict().items()
    ]
    return text_table([head, *rows])


def pixel_statistics(image: UInt8[np.ndarray, "image 28 28"]) -> tuple[str, str, int, int]:
    """Compute mean, standard deviation, least and greatest of all pixels."""
    mean = image.mean()
    variance = np.square(image, dtype=np.uint16).mean() - mean**2  # 255 squared fits 16 bits
    return f"{mean:.2f}", f"{variance**0.5:.2f}", int(image.min()), int(image.max())


def draw(splits: Splits, recipe: Recipe, layers: list[Layer], folder: Path) -> None:
    """Draw the model and the first training images; raises UsageError."""
    from experiments.report.graph import draw_model
    from experiments.report.tiles import draw_samples  # matplotlib: not before the text is there

    try:
        folder.mkdir(parents=True, exist_ok=True)
        draw_samples(splits.train, recipe, folder / SAMPLES)
        draw_model(layers, folder / MODEL)
    except OSError as error:
        raise UsageError(
            f"The pictures cannot be written into {folder} ({error.strerror}); "
            "choose another --output."
        ) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
