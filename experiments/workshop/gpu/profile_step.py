"""Record a profile of some training steps.

    python -m experiments.workshop.gpu.profile_step --output FOLDER

The folder is for TensorBoard's profiler, or for ui.perfetto.dev, which opens the .trace.json.gz.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax

from experiments.system.arguments import ConfigOptions, parse
from experiments.system.device import (
    DeviceChoice,
    choose_devices,
    device_name,
    launch_whole_calls,
    use_precision,
)
from experiments.system.images import load_splits
from mnist_sum.learning.sharding import data_mesh, replicate
from mnist_sum.learning.state import create_state
from mnist_sum.learning.train import begin_epoch, train_steps, zero_tally
from mnist_sum.terminal import exit_code


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProfileOptions(ConfigOptions):
    """Record what the device does in some training steps."""

    output: Path = Path("profile")
    """Folder for the profile."""
    steps: int = 20
    """Steps to record, in one call."""
    whole_graph: bool = True
    """Take the steps as one CUDA graph; --no-whole-graph shows the kernels one by one."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(parse(ProfileOptions, "gpu.profile_step", argv)[1]))


def run(options: ProfileOptions) -> None:
    """Compile, take the steps once, and once more under the profiler."""
    if options.whole_graph and options.device != "cpu":
        launch_whole_calls()
    recipe = options.config.recipe
    devices = choose_devices(options.device, batch_size=recipe.batch_size)
    use_precision("float32", devices[0])
    mesh = data_mesh(devices)
    key = jax.random.key(options.config.seed)
    train = replicate(load_splits(options).train, mesh)
    state = replicate(create_state(recipe, key, total_steps=options.steps), mesh)
    epoch = begin_epoch(key, len(train.digit))

    def take(steps: int) -> float:
        nonlocal state
        start = time.perf_counter()
        tally = replicate(zero_tally(), mesh)
        state, tally = train_steps(recipe, state, tally, train, epoch, (0, steps), mesh)
        jax.block_until_ready(tally)
        return time.perf_counter() - start

    take(0)
    take(options.steps)
    with jax.profiler.trace(str(options.output)):
        seconds = take(options.steps)
    print(f"{device_name(devices[0])}: {1e6 * seconds / options.steps:.0f} us a step, recorded")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
