"""Train one config: python -m experiments.run --config base."""

import dataclasses
import math
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
from jax.sharding import NamedSharding
from jaxtyping import Array, Key

from experiments import original, workdir
from experiments.arguments import ConfigOptions, UsageError, exit_code, parse
from experiments.device import DeviceChoice, choose_devices, device_name, keep_compiled_programs
from experiments.environment import describe_environment
from experiments.figures import draw_curves
from experiments.progress import Progress
from experiments.report import write_report
from mnist_sum import checkpoint
from mnist_sum.config import Config, ConfigError
from mnist_sum.data import Dataset, Splits, load
from mnist_sum.evaluate import evaluate, predict_all
from mnist_sum.loss import averages, zero_totals
from mnist_sum.sharding import data_sharding, replicate
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import begin_epoch, count_steps, train_steps

SEGMENTS = 20  # calls that an epoch is cut into where somebody watches its progress bar


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(ConfigOptions):
    """Train the network and write what happens into a work folder."""

    workdir: Path | None = None
    """Folder for all results; a new one, runs/CONFIG or runs/CONFIG-2 and so on, if not given."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(*parse(RunOptions, "run", argv)))


def run(name: str, options: RunOptions) -> None:
    """Train as the options say, from the first line printed to the last file written."""
    config = options.config
    keep_compiled_programs()
    devices = choose_devices(options.device)
    on_host = load_splits(options)
    folder = workdir.begin(options.workdir, name, config)

    sharding = data_sharding(devices)
    splits = replicate(on_host, sharding)
    init_key, epochs_key = jax.random.split(jax.random.key(config.seed))
    steps = config.epochs * count_steps(config, len(on_host.train.digit))
    state = replicate(create_state(config, init_key, steps), sharding)
    print_header(options, devices, splits, state, folder)
    state = compile_ahead(state, splits, jax.random.fold_in(epochs_key, 0), sharding)

    curves_beside = original.records() if original.is_comparable(config) else []
    records: list[dict[str, Any]] = []
    with checkpoint.open_checkpoints(folder / workdir.CHECKPOINTS) as checkpoints:
        for epoch in range(1, config.epochs + 1):
            state, record = run_epoch(state, splits, epoch, epochs_key, sharding)
            records.append(record)
            checkpoint.save(checkpoints, epoch, state, records)
            workdir.write_metrics(folder, records)
            draw_curves(records, folder / workdir.CURVES, curves_beside)
    outputs = jax.device_get(predict_all(state, splits.test.image, sharding))
    environment = describe_environment(devices)
    write_report(folder, name, config, records, on_host, outputs, environment)
    print(f"Read {folder / workdir.REPORT} for the whole story.")


def load_splits(options: RunOptions) -> Splits:
    """Load the config's data set, cut down to its number of training examples."""
    config = options.config
    splits = load(config.dataset, options.data_dir, options.manual_dir)
    train = Dataset(*(x[: config.train_examples] for x in splits.train))
    return hold_out(config, train, splits.test)


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


def compile_ahead(
    state: TrainState, splits: Splits, key: Key[Array, ""], sharding: NamedSharding
) -> TrainState:
    """Compile what the run calls, so that the time of an epoch is that of its steps.

    An epoch cut down to none of its steps is the same program, as its bounds are values.
    """
    start = time.perf_counter()
    tested = evaluate(state, splits.test, sharding)
    epoch = begin_epoch(key, len(splits.train.digit))
    state, _ = train_steps(state, zero_totals(), splits.train, epoch, 0, 0, sharding)
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
    interactive = sys.stdout.isatty()
    progress = Progress(epoch, config.epochs, examples, interactive)
    start = time.perf_counter()
    plan = begin_epoch(jax.random.fold_in(epochs_key, epoch), examples)
    totals = zero_totals()
    for first, last in segments(count_steps(config, examples), SEGMENTS if interactive else 1):
        state, totals = train_steps(state, totals, splits.train, plan, first, last, sharding)
        progress.advance(min(last * config.batch_size, examples), averages(totals))
    train = averages(totals)
    seconds = time.perf_counter() - start
    test = averages(evaluate(state, splits.test, sharding))
    if not all(map(math.isfinite, (*train.values(), *test.values()))):
        raise UsageError(
            f"The loss is no longer finite in epoch {epoch}; try a smaller --learning-rate."
        )
    record = {
        "epoch": epoch,
        "train": train,
        "test": test,
        "seconds": seconds,
        "examples_per_second": examples / seconds,
    }
    progress.finish(record)
    return state, record


def segments(steps: int, parts: int) -> Iterator[tuple[int, int]]:
    """Cut the steps of an epoch into so many parts, as equal as can be."""
    bounds = [steps * part // parts for part in range(parts + 1)]
    return ((first, last) for first, last in pairwise(bounds) if last > first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
