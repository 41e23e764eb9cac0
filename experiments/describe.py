"""Show data, model and machine: python -m experiments.describe --config sample."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import sys
from pathlib import Path

import numpy as np

from experiments.report import Row, text_table
from experiments.report.layers import layer_table, list_layers
from experiments.system.arguments import ConfigOptions, command
from experiments.system.device import choose_devices, describe_environment
from experiments.system.workdir import MODEL, SAMPLES
from mnist_sum.data import Splits, load
from mnist_sum.outputs import PNG_MARK, check_output


@dataclasses.dataclass(frozen=True, kw_only=True)
class DescribeOptions(ConfigOptions):
    """Describe the data, the model and the machine, and draw the first two."""

    output: Path = Path("runs/description")
    """Folder for the pictures."""


def describe_config(options: DescribeOptions) -> None:
    from experiments.report.pictures.graph import draw_model  # Matplotlib may have no folder
    from experiments.report.pictures.tiles import draw_samples

    recipe, folder = options.config.recipe, options.output
    for name in (MODEL, SAMPLES):
        check_output(folder / name, mark=PNG_MARK)
    devices = choose_devices("auto")  # before JAX computes anything
    splits = load(options.config.dataset, options.data.data_dir, options.data.manual_dir)
    layers = list_layers(recipe)
    environment = describe_environment(devices)
    print(f"Pixels of {options.config.dataset}\n\n{pixel_table(splits)}\n")
    print(f"Layers: their outputs for one image, and what these see\n\n{layer_table(layers)}\n")
    print(f"Environment\n\n{text_table(list(environment.items()))}\n", flush=True)
    draw_model(layers, folder / MODEL)
    draw_samples(splits.train, recipe, folder / SAMPLES)
    print(f"Pictures: {folder / MODEL}, {folder / SAMPLES}")


def pixel_table(splits: Splits) -> str:
    rows: list[Row] = [("images", "count", "mean", "std", "min", "max")]
    for split, dataset in splits._asdict().items():
        image = np.asarray(dataset.image)
        moments = f"{image.mean():.2f}", f"{image.std(dtype=np.float32):.2f}"
        rows.append((split, len(image), *moments, int(image.min()), int(image.max())))
    return text_table(rows)


main = command(DescribeOptions, "describe", describe_config)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
