"""Train one config: python -m experiments.run --config base."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import jax
import tyro

from experiments.configs import vary
from experiments.summarize import SummarizeOptions, check_outputs, summarize
from experiments.system import workdir
from experiments.system.arguments import ConfigOptions, load_splits, parse, resume_command
from experiments.system.device import ComputeOptions, DeviceChoice, device_name, set_up_devices
from experiments.system.distributed import ProcessOptions, find_place, is_first, joined
from experiments.training.epochs import train
from experiments.training.seeds import end_with_parent, train_seeds
from mnist_sum.data import Splits
from mnist_sum.devices import keep_compiled_programs
from mnist_sum.errors import UsageError
from mnist_sum.learning.evaluate import predict_outputs
from mnist_sum.learning.network import Network
from mnist_sum.terminal import exit_code

WORTH_KEEPING_SECONDS = 0.3  # to compile; less is not worth a file


@dataclass(frozen=True, kw_only=True)
class RunOptions(ConfigOptions):
    """Train the network and write the results into a work folder."""

    workdir: Path | None = None
    """Folder for all results; if not given, runs/CONFIG, runs/CONFIG-2, ..., runs/CONFIG-seeds."""
    resume: bool = False
    """Go on after the last epoch that is saved in the work folder; in a new WORKDIR, begin."""
    seeds: int = 1
    """Train N seeds, from `seed` on, and summarize them; as many at once as a CPU has cores."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""
    compute: tyro.conf.OmitArgPrefixes[ComputeOptions] = field(default_factory=ComputeOptions)
    process: tyro.conf.OmitArgPrefixes[ProcessOptions] = field(default_factory=ProcessOptions)


def main(argv: Sequence[str]) -> int:
    return exit_code(lambda: start(argv))


def start(argv: Sequence[str]) -> None:
    options = parse(RunOptions, "run", argv)
    place = find_place(options.process)
    if options.seeds < 1:
        raise UsageError(f"--seeds is {options.seeds} but must be at least 1.")
    if place:
        check_together(options)
    folder = workdir.RUNS / f"{options.name}{'-seeds' if options.seeds > 1 else ''}"
    if options.resume and not (options.workdir or folder.exists()):
        raise UsageError(f"There is no run in {folder} to resume; leave out --resume.")
    with joined(place):
        if jax.distributed.is_initialized():
            check_together(options)
        (run if options.seeds == 1 else run_seeds)(options, argv)


def check_together(options: RunOptions) -> None:
    """Raise UsageError for what several processes that train together cannot do."""
    if options.seeds != 1:
        raise UsageError("--seeds needs a single process; train each seed separately.")
    if options.workdir is None:
        raise UsageError("Several processes need --workdir, a folder that all of them share.")


def run(options: RunOptions, argv: Sequence[str]) -> None:
    from experiments.report.page import write_report  # which raises UsageError without Matplotlib

    name, config, compute = options.name, options.config, options.compute
    if reason := keep_compiled_programs(WORTH_KEEPING_SECONDS):
        print(f"Compiled programs are not kept ({reason}).", file=sys.stderr)
    if compute.profile:
        workdir.make(compute.profile)
    devices = set_up_devices(options.device, compute, config.recipe.batch_size)
    splits = load_splits(options)
    folder = options.workdir or workdir.choose(name, config, options.resume)
    go_on = resume_command(argv, folder)
    holds: AbstractContextManager[object] = redirect_stdout(StringIO())
    if is_first():
        holds = workdir.hold(folder, config, options.resume, go_on)
    with holds, resumable(go_on, [folder], config.epochs):
        print_header(options, devices, splits)
        this_run = workdir.Run(name, config, folder, devices, splits)
        state, records = train(this_run, options.resume, compute.profile)
        network = Network(config.recipe, state.variables)
        outputs = predict_outputs(network, splits.test.image, this_run.mesh)
        if is_first():
            write_report(this_run, records, jax.device_get(outputs))
        if name == "smoke":
            print("It works; that most sums are wrong is normal after so little training.")
        print(f"Read {folder / workdir.REPORT} for the whole story.")


def run_seeds(options: RunOptions, argv: Sequence[str]) -> None:
    load_splits(options)  # so that what is wrong with the data, or has to be fetched, comes first
    config, folder = options.config, options.workdir or workdir.RUNS / f"{options.name}-seeds"
    seeds = range(config.seed, config.seed + options.seeds)
    folders = [folder / f"seed-{seed}" for seed in seeds]
    check_outputs(folder, seeds)
    workdir.make(folder)
    go_on = resume_command(argv, folder)
    with workdir.lock(folder), resumable(go_on, folders, config.epochs * options.seeds):
        for own, seed in zip(folders if not options.resume else (), seeds, strict=False):
            workdir.check_free(own, vary(config, seed=seed), go_on)
        train_seeds(argv, seeds, folder, config.epochs, options.device)
    summarize(SummarizeOptions(tuple(folders), folder))


@contextmanager
def resumable(go_on: str, folders: Sequence[Path], epochs: int) -> Iterator[None]:
    """Tell who interrupts a run what is saved of it, and by which command it goes on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        saved = "before the first epoch was saved. Begin again with"
        if done := sum(map(workdir.count_epochs, folders)):
            saved = f"with {done} of {epochs} epochs saved. Go on with"
        stop.add_note(f"Interrupted {saved}:\n{go_on}")
        raise


def quiet_orbax() -> None:
    """Print none of what Orbax logs, and its threads still raise, about an error that it raises."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda x: str(x.exc_value) == "Event loop is closed" or hook(x)
    logging.getLogger("absl").addFilter(lambda x: "orbax" not in Path(x.pathname).parts)


def print_header(options: RunOptions, devices: list[jax.Device], splits: Splits) -> None:
    kind, name = devices[0].platform, device_name(devices[0])
    on_cpu = " (no GPU found)" if options.device == "auto" and kind == "cpu" else ""
    train, test = (f"{len(dataset.digit):,}" for dataset in splits)
    print(f"Device:  {len(devices)} x {kind}, {name}{on_cpu}; JAX {jax.__version__}")
    print(f"Data:    {options.config.dataset}, {train} training and {test} test images", flush=True)


if __name__ == "__main__":
    end_with_parent()
    quiet_orbax()
    if code := main(sys.argv[1:]):
        os._exit(code)  # at once: other processes may wait for this one, or threads for nothing
