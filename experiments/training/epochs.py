"""The training of one seed: its epochs, what they print, and what is saved after each."""

import math
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
from jax.sharding import NamedSharding
from jaxtyping import Array, Key

from experiments.report import original
from experiments.report.figures import draw_curves
from experiments.system import workdir
from experiments.system.arguments import UsageError
from experiments.system.interruption import uninterrupted
from experiments.training.progress import Progress
from mnist_sum import checkpoint
from mnist_sum.config import Config
from mnist_sum.data import Splits
from mnist_sum.evaluate import evaluate
from mnist_sum.loss import Totals, averages, zero_totals
from mnist_sum.sharding import data_sharding, replicate
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import begin_epoch, count_steps, train_steps

SEGMENTS = 20  # calls that an epoch is cut into: between them the bar moves, and Ctrl-C is heard
PICTURE_SECONDS = 5  # at least, between two drawings of the curves; the last is always drawn


def leads() -> bool:
    """Say whether this process is the one that prints and writes."""
    return jax.process_index() == 0


def train(
    config: Config,
    folder: Path,
    resume: bool,
    devices: list[jax.Device],
    on_host: Splits,
    records: list[dict[str, Any]],
) -> TrainState:
    """Train all epochs, or all that the folder does not have yet; add their records to the list."""
    sharding = data_sharding(devices)
    splits = replicate(on_host, sharding)
    init_key, epochs_key = jax.random.split(jax.random.key(config.seed))
    steps = config.epochs * count_steps(config, len(on_host.train.digit))
    state = create_state(config, init_key, steps)
    curves_beside = original.records() if original.is_comparable(config) else []
    with checkpoint.open_checkpoints(folder / workdir.CHECKPOINTS, leads()) as checkpoints:
        restored = checkpoint.restore_latest(checkpoints, state) if resume else None
        if restored:
            state, saved_records = restored
            records.extend(saved_records)
            if leads():  # as it may have been ended between the checkpoint and these
                workdir.write_metrics(folder, records)
                draw_curves(records, folder / workdir.CURVES, curves_beside)
        state = replicate(state, sharding)
        print(f"Model:   {sum(x.size for x in jax.tree.leaves(state.params)):,} parameters")
        print(f"Results: {folder}", flush=True)
        if resume:
            print(f"Resumed: {len(records)} of {config.epochs} epochs are done", flush=True)
        if len(records) < config.epochs:
            state = compile_ahead(state, splits, jax.random.fold_in(epochs_key, 0), sharding)
        drawn = time.perf_counter()
        for epoch in range(len(records) + 1, config.epochs + 1):
            state, record = run_epoch(state, splits, epoch, epochs_key, sharding)
            with uninterrupted():
                if leads():
                    checkpoint.save(checkpoints, epoch, state, [*records, record])
                records.append(record)
            if leads():
                workdir.write_metrics(folder, records)
                if epoch == config.epochs or time.perf_counter() - drawn > PICTURE_SECONDS:
                    draw_curves(records, folder / workdir.CURVES, curves_beside)
                    drawn = time.perf_counter()
    return state


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
