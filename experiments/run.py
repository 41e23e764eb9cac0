"""Train one config: python -m experiments.run --config base."""

import dataclasses
import logging
import math
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
from jax.sharding import NamedSharding
from jaxtyping import Array, Key

from experiments import distributed, original, workdir
from experiments.arguments import ConfigOptions, UsageError, exit_code, parse
from experiments.device import (
    DeviceChoice,
    choose_devices,
    device_name,
    keep_compiled_programs,
    make_deterministic,
)
from experiments.environment import describe_environment
from experiments.figures import draw_curves
from experiments.interruption import termination_as_interrupt, uninterrupted
from experiments.progress import Progress
from experiments.report import write_report
from experiments.summarize import summarize_runs
from mnist_sum import checkpoint
from mnist_sum.config import Config, ConfigError
from mnist_sum.data import Dataset, Splits, load
from mnist_sum.evaluate import evaluate, predict_all
from mnist_sum.loss import Totals, averages, zero_totals
from mnist_sum.sharding import data_sharding, replicate
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import begin_epoch, count_steps, train_steps

SEGMENTS = 20  # calls that an epoch is cut into: between them the bar moves, and Ctrl-C is heard


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(ConfigOptions, distributed.ProcessOptions):
    """Train the network and write what happens into a work folder."""

    workdir: Path | None = None
    """Folder for all results; a new one, runs/CONFIG or runs/CONFIG-2 and so on, if not given."""
    resume: bool = False
    """Go on with the run in the work folder, after the last epoch that it has completed."""
    seeds: int = 1
    """Train so many seeds one after the other, from `seed` on, and sum up what they reach."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""
    devices: int | None = None
    """How many devices to split each batch over; all if not given."""
    deterministic: bool = False
    """Have a GPU compute the same bits every time, more slowly; a processor always does."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    code = exit_code(lambda: start(argv))
    if code and distributed.is_worker():
        distributed.leave(code)
    return code


def start(argv: Sequence[str]) -> int:
    """Train in this process or, with others, in one that it starts; returns the exit code."""
    name, options = parse(RunOptions, "run", argv)
    place = distributed.find_place(options)
    if place is None:
        run(name, options, argv)
    elif options.workdir is None:
        raise UsageError("Several processes need --workdir, a folder that all of them share.")
    elif not distributed.is_worker():
        return distributed.supervise("experiments.run", argv)
    else:
        with distributed.joined(place):
            run(name, options, argv)
    return 0


def run(name: str, options: RunOptions, argv: Sequence[str]) -> None:
    """Train as the options say, from the first line printed to the last file written."""
    keep_compiled_programs()
    quieten_orbax()
    if options.deterministic:
        make_deterministic()
    devices = choose_devices(options.device, options.devices)
    on_host = load_splits(options)
    if options.seeds == 1:
        run_seed(name, options, devices, on_host, argv)
    else:
        run_seeds(name, options, devices, on_host, argv)


def run_seeds(
    name: str,
    options: RunOptions,
    devices: list[jax.Device],
    on_host: Splits,
    argv: Sequence[str],
) -> None:
    """Train each seed in a folder of its own within the work folder, and sum up what they reach."""
    first = options.config.seed
    if options.seeds < 1:
        raise UsageError(f"--seeds is {options.seeds} and must be at least 1.")
    if options.workdir is None:
        raise UsageError("--seeds needs --workdir, a folder for all seeds and their summary.")
    folders = []
    for seed in range(first, first + options.seeds):
        print(f"Seed:    {seed}, of {first} .. {first + options.seeds - 1}", flush=True)
        folders.append(options.workdir / f"seed-{seed}")
        config = dataclasses.replace(options.config, seed=seed)
        seed_options = dataclasses.replace(options, config=config, workdir=folders[-1])
        run_seed(name, seed_options, devices, on_host, argv)
    if leads():
        summarize_runs(folders, options.workdir)


def run_seed(
    name: str,
    options: RunOptions,
    devices: list[jax.Device],
    on_host: Splits,
    argv: Sequence[str],
) -> None:
    """Train one seed and report on it."""
    config = options.config
    records: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(termination_as_interrupt())
        if leads():
            held = workdir.hold(options.workdir, name, config, options.resume)
            folder = stack.enter_context(held)
        else:
            folder = options.workdir or Path()
            stack.enter_context(redirect_stdout(StringIO()))
        try:
            state = train(folder, options, devices, on_host, records)
        except KeyboardInterrupt as stop:
            raise type(stop)(how_to_go_on(argv, folder, len(records), config.epochs)) from None
        sharding = data_sharding(devices)
        image = replicate(on_host.test.image, sharding)
        outputs = jax.device_get(predict_all(replicate(state, sharding), image, sharding))
        if leads():
            environment = describe_environment(devices)
            write_report(folder, name, config, records, on_host, outputs, environment)
            print(f"Read {folder / workdir.REPORT} for the whole story.")


def quieten_orbax() -> None:
    """Print none of what Orbax logs, and its threads still raise, about an error that it raises."""
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    hook = sys.unraisablehook

    def show(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            hook(unraisable)

    sys.unraisablehook = show


def leads() -> bool:
    """Say whether this process is the one that prints and writes."""
    return jax.process_index() == 0


def train(
    folder: Path,
    options: RunOptions,
    devices: list[jax.Device],
    on_host: Splits,
    records: list[dict[str, Any]],
) -> TrainState:
    """Train all epochs that the folder does not have yet; their records are added to the list."""
    config = options.config
    sharding = data_sharding(devices)
    splits = replicate(on_host, sharding)
    init_key, epochs_key = jax.random.split(jax.random.key(config.seed))
    steps = config.epochs * count_steps(config, len(on_host.train.digit))
    state = create_state(config, init_key, steps)
    curves_beside = original.records() if original.is_comparable(config) else []
    with checkpoint.open_checkpoints(folder / workdir.CHECKPOINTS, leads()) as checkpoints:
        restored = checkpoint.restore_latest(checkpoints, state)
        if restored:
            state, saved_records = restored
            records.extend(saved_records)
        state = replicate(state, sharding)
        print_header(options, devices, splits, state, folder, len(records))
        if len(records) < config.epochs:
            state = compile_ahead(state, splits, jax.random.fold_in(epochs_key, 0), sharding)
        for epoch in range(len(records) + 1, config.epochs + 1):
            state, record = run_epoch(state, splits, epoch, epochs_key, sharding)
            with uninterrupted():
                if leads():
                    checkpoint.save(checkpoints, epoch, state, [*records, record])
                records.append(record)
            if leads():
                workdir.write_metrics(folder, records)
                draw_curves(records, folder / workdir.CURVES, curves_beside)
    if leads():
        workdir.write_metrics(folder, records)
        draw_curves(records, folder / workdir.CURVES, curves_beside)
    return state


def how_to_go_on(argv: Sequence[str], folder: Path, done: int, epochs: int) -> str:
    """Say what an interrupted run has saved, and by which command it goes on."""
    more = [] if "--resume" in argv else ["--resume"]
    if not any(argument.startswith("--workdir") for argument in argv):
        more += ["--workdir", str(folder)]
    return (
        f"Interrupted after {done} of {epochs} epochs, which are saved. Go on with:\n"
        f"python -m experiments.run {shlex.join([*argv, *more])}"
    )


def load_splits(options: RunOptions) -> Splits:
    """Load the config's data set, cut down to its number of training examples."""
    config = options.config
    splits = load(config.dataset, options.data_dir, options.manual_dir)
    train = Dataset(*(x[: config.train_examples] for x in splits.train))
    splits = hold_out(config, train, splits.test)
    count_steps(config, len(splits.train.digit))  # which raises for a last batch of one image
    return splits


def hold_out(config: Config, train: Dataset, test: Dataset) -> Splits:
    """Put the last images to train on in the place of the test images, if the config asks so."""
    if config.held_out == 0:
        return Splits(train, test)
    rest = len(train.digit) - config.held_out
    if rest < 2:
        raise ConfigError(
            f"held_out is {config.held_out} and must leave 2 of {len(train.digit)} images."
        )
    return Splits(Dataset(*(x[:rest] for x in train)), Dataset(*(x[rest:] for x in train)))


def print_header(
    options: RunOptions,
    devices: list[jax.Device],
    splits: Splits,
    state: TrainState,
    folder: Path,
    done: int,
) -> None:
    """Say what runs, on what, before anything takes time."""
    kind = devices[0].platform
    on_cpu = " (no GPU found)" if options.device == "auto" and kind == "cpu" else ""
    parameters = sum(x.size for x in jax.tree.leaves(state.params))
    name = device_name(devices[0])
    print(f"Device:  {len(devices)} x {kind}, {name}{on_cpu}; JAX {jax.__version__}")
    print(
        f"Data:    {options.config.dataset}, {len(splits.train.digit):,} training and "
        f"{len(splits.test.digit):,} test images"
    )
    print(f"Model:   {parameters:,} parameters")
    print(f"Results: {folder}", flush=True)
    if options.resume:
        print(f"Resumed: {done} of {options.config.epochs} epochs are done", flush=True)


def compile_ahead(
    state: TrainState, splits: Splits, key: Key[Array, ""], sharding: NamedSharding
) -> TrainState:
    """Compile what the run calls, so that the time of an epoch is that of its steps.

    An epoch cut down to none of its steps is the same program, as its bounds are values.
    """
    start = time.perf_counter()
    tested = evaluate(state, splits.test, sharding)
    epoch = begin_epoch(key, len(splits.train.digit))
    totals = replicate(zero_totals(), sharding)
    state, _ = train_steps(state, totals, splits.train, epoch, 0, 0, sharding)
    jax.block_until_ready((tested, state))
    print(
        f"Compiled in {time.perf_counter() - start:.1f} s. Mean losses and accuracies:", flush=True
    )
    return state


def run_epoch(
    state: TrainState,
    splits: Splits,
    epoch: int,
    epochs_key: Key[Array, ""],
    sharding: NamedSharding,
) -> tuple[TrainState, dict[str, Any]]:
    """Train one epoch, evaluate, and show both; returns the epoch's record."""
    config, examples = state.config, len(splits.train.digit)
    progress = Progress(epoch, config.epochs, examples, sys.stdout.isatty())
    start = time.perf_counter()
    plan = begin_epoch(jax.random.fold_in(epochs_key, epoch), examples)
    totals = replicate(zero_totals(), sharding)
    for first, last in segments(count_steps(config, examples), SEGMENTS):
        state, totals = train_steps(state, totals, splits.train, plan, first, last, sharding)
        check_finite(totals, epoch, last)
        progress.advance(min(last * config.batch_size, examples), averages(totals))
    train = averages(totals)
    seconds = time.perf_counter() - start
    test = averages(evaluate(state, splits.test, sharding))
    if not all(map(math.isfinite, test.values())):
        raise no_longer_finite(epoch, count_steps(config, examples))
    record = {
        "epoch": epoch,
        "train": train,
        "test": test,
        "seconds": seconds,
        "examples_per_second": examples / seconds,
    }
    progress.finish(record)
    return state, record


def check_finite(totals: Totals, epoch: int, steps: int) -> None:
    """Raise UsageError if the loss of one of the epoch's steps so far is not finite."""
    finite = int(totals.finite_steps)
    if finite < steps:
        raise no_longer_finite(epoch, finite + 1)


def no_longer_finite(epoch: int, step: int) -> UsageError:
    """Say where the loss went astray."""
    return UsageError(
        f"The loss is no longer finite after step {step} of epoch {epoch}, and nothing of that "
        "epoch is saved; try a smaller --learning-rate."
    )


def segments(steps: int, parts: int) -> Iterator[tuple[int, int]]:
    """Cut the steps of an epoch into so many parts, as equal as can be."""
    bounds = [steps * part // parts for part in range(parts + 1)]
    return ((first, last) for first, last in pairwise(bounds) if last > first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
