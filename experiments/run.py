"""Train one config: python -m experiments.run --config base."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import jax
import tyro

from experiments.summarize import SummarizeOptions, check_outputs, summarize
from experiments.system import distributed, workdir
from experiments.system.arguments import ConfigOptions, parse
from experiments.system.device import (
    DeviceChoice,
    Precision,
    choose_devices,
    device_name,
    keep_compiled_programs,
    launch_whole_calls,
    make_deterministic,
    use_precision,
)
from experiments.system.images import load_splits
from experiments.system.settings import current_settings
from experiments.system.this_run import Run
from experiments.training.epochs import train
from experiments.training.seeds import SeedWork, train_seeds
from mnist_sum.data import Splits
from mnist_sum.errors import UsageError
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.sharding import data_mesh
from mnist_sum.terminal import exit_code


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """How to compute; what is there suits most machines."""

    devices: int | None = None
    """How many devices to split each batch over; all if not given."""
    deterministic: bool = False
    """Have a GPU compute the same bits every time, more slowly, and multiply in float32; a
    processor always does."""
    precision: Precision = "float32"
    """How a GPU multiplies: float32 gives the numbers of a processor, to rounding; tf32 keeps 10
    bits of each factor's 23 on cards that have units for it, for products that are quicker but a
    thousandth off. A step on small images waits for its kernels to start more than for products."""
    whole_graph: bool = True
    """Let a GPU take all steps of a call as one CUDA graph; --no-whole-graph launches its kernels
    as XLA does by itself, should a card or driver refuse."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(ConfigOptions):
    """Train the network and write what happens into a work folder."""

    workdir: Path | None = None
    """Folder for all results; a new one, runs/CONFIG or runs/CONFIG-2 and so on, if not given."""
    resume: bool = False
    """Go on with the run in the work folder, after the last epoch that it has completed."""
    seeds: int = 1
    """Train so many seeds, from `seed` on, and sum up what they reach; on a processor, as many at
    once as it has cores."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""
    compute: tyro.conf.OmitArgPrefixes[ComputeOptions] = ComputeOptions()
    process: tyro.conf.OmitArgPrefixes[distributed.ProcessOptions] = dataclasses.field(
        default_factory=distributed.ProcessOptions
    )


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    code = exit_code(lambda: start(argv))
    if code and distributed.are_waiting():
        distributed.leave(code)
    return code


def start(argv: Sequence[str]) -> int:
    """Train in this process or, with others, in one that it starts; returns the exit code."""
    name, options = parse(RunOptions, "run", argv)
    place = distributed.find_place(options.process)
    if options.seeds != 1:
        run_seeds(name, options, argv, place)
    elif place is None:
        run(name, options, argv)
    elif options.workdir is None:
        raise UsageError("Several processes need --workdir, a folder that all of them share.")
    elif isinstance(place, distributed.Place) and not distributed.is_worker():
        return distributed.supervise("experiments.run", argv)
    else:
        with distributed.joined(place):
            run(name, options, argv)
    return 0


def run(name: str, options: RunOptions, argv: Sequence[str]) -> None:
    """Train as the options say, from the first line printed to the last file written."""
    from experiments.report.page import write_report  # which raises UsageError without Matplotlib

    keep_compiled_programs()
    config, compute = options.config, options.compute
    if compute.deterministic:
        make_deterministic()
    if compute.whole_graph and options.device != "cpu":
        launch_whole_calls()
    devices = choose_devices(options.device, compute.devices, config.recipe.batch_size)
    use_precision("float32" if compute.deterministic else compute.precision, devices[0])
    splits = load_splits(options)
    with ExitStack() as stack:
        stack.enter_context(quiet_orbax())
        if distributed.is_first():
            settings = current_settings(devices[0])
            held = workdir.hold(options.workdir, name, config, settings, options.resume)
            folder = stack.enter_context(held)
        else:
            folder = options.workdir or Path()
            stack.enter_context(redirect_stdout(StringIO()))
        print_header(options, devices, splits)
        try:
            this_run = Run(name, config, folder, devices, splits)
            state, records = train(this_run, options.resume)
            network = Network(config.recipe, state.variables)
            outputs = predict_outputs(network, splits.test.image, data_mesh(devices))
            if distributed.is_first():
                write_report(this_run, records, jax.device_get(outputs))
                print(f"Read {folder / workdir.REPORT} for the whole story.")
        except KeyboardInterrupt as stop:
            done = workdir.count_epochs(folder)
            stop.args = (how_to_go_on(argv, folder, done, config.epochs),)
            raise


def run_seeds(
    name: str,
    options: RunOptions,
    argv: Sequence[str],
    place: distributed.Place | distributed.Scheduler | None,
) -> None:
    """Train each seed in a folder of its own within the work folder, and sum up what they reach."""
    if options.seeds < 1:
        raise UsageError(f"--seeds is {options.seeds} and must be at least 1.")
    if options.workdir is None:
        raise UsageError("--seeds needs --workdir, a folder for all seeds and their summary.")
    if place is not None:
        raise UsageError("--seeds is for a process on its own; train each seed by itself.")
    load_splits(options)  # so that what is wrong with the data, or has to be fetched, comes first
    works = [
        SeedWork(seed, folder, partial(run_seed, name, options, seed, folder))
        for seed in range(options.config.seed, options.config.seed + options.seeds)
        for folder in [options.workdir / f"seed-{seed}"]
    ]
    check_outputs(options.workdir, (work.seed for work in works))
    folders = [work.folder for work in works]
    try:
        options.workdir.mkdir(parents=True, exist_ok=True)
        train_seeds(works, options.config.epochs, options.device)
    except BrokenPipeError:  # of what is printed
        raise
    except OSError as error:
        raise workdir.unwritable(options.workdir, error) from error
    except KeyboardInterrupt as stop:
        done = sum(map(workdir.count_epochs, folders))
        epochs = options.config.epochs * options.seeds
        stop.args = (how_to_go_on(argv, options.workdir, done, epochs),)
        raise
    summarize(SummarizeOptions(tuple(folders), options.workdir))


def run_seed(name: str, options: RunOptions, seed: int, folder: Path) -> int:
    """Train one seed of several, in a process of its own; returns the exit code."""
    config = dataclasses.replace(options.config, seed=seed)
    own = dataclasses.replace(options, config=config, seeds=1, workdir=folder)
    return exit_code(lambda: run(name, own, ()))


@contextmanager
def quiet_orbax() -> Iterator[None]:
    """Print none of what Orbax logs, and its threads still raise, about an error that it raises."""
    hook, logger = sys.unraisablehook, logging.getLogger("absl")

    def show(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            hook(unraisable)

    def is_of_others(record: logging.LogRecord) -> bool:
        return "orbax" not in Path(record.pathname).parts

    sys.unraisablehook = show
    logger.addFilter(is_of_others)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        logger.removeFilter(is_of_others)


def how_to_go_on(argv: Sequence[str], folder: Path, done: int, epochs: int) -> str:
    """Say what an interrupted run has saved, and by which command it goes on."""
    more = [] if "--resume" in argv else ["--resume"]
    if not any(argument.startswith("--workdir") for argument in argv):
        more += ["--workdir", str(folder)]
    command = shlex.join([sys.executable, "-m", "experiments.run", *argv, *more])
    if done == 0:
        return f"Interrupted before the first epoch was saved. Begin again with:\n{command}"
    return f"Interrupted after {done} of {epochs} epochs, which are saved. Go on with:\n{command}"


def print_header(options: RunOptions, devices: list[jax.Device], splits: Splits) -> None:
    """Say what runs, on what, before anything takes time."""
    kind = devices[0].platform
    on_cpu = " (no GPU found)" if options.device == "auto" and kind == "cpu" else ""
    name = device_name(devices[0])
    print(f"Device:  {len(devices)} x {kind}, {name}{on_cpu}; JAX {jax.__version__}")
    print(
        f"Data:    {options.config.dataset}, {len(splits.train.digit):,} training and "
        f"{len(splits.test.digit):,} test images",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
