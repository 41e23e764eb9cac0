"""The training of one seed: its epochs, what they print, and what is saved after each."""

import math
import sys
import time
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key

from experiments.configs import Config, command_of, fields_of
from experiments.report.records import original_records
from experiments.system import workdir
from experiments.system.distributed import is_first
from experiments.system.settings import current_settings
from experiments.system.this_run import Run
from experiments.training.progress import COMPILING, Progress
from mnist_sum.data import Splits
from mnist_sum.errors import UsageError
from mnist_sum.files import checkpoint
from mnist_sum.files.checkpoint import Checkpoint
from mnist_sum.files.description import by_other_code
from mnist_sum.learning.batch_statistics import renew_statistics
from mnist_sum.learning.epoch import (
    Tally,
    begin_epoch,
    count_steps,
    parts_of,
    train_steps,
    zero_tally,
)
from mnist_sum.learning.evaluate import evaluate, predict_outputs, unseen_accuracy
from mnist_sum.learning.loss import averages
from mnist_sum.learning.network import Network
from mnist_sum.learning.sharding import data_mesh, replicate
from mnist_sum.learning.state import TrainState, create_state
from mnist_sum.terminal import uninterrupted

CALL_SECONDS = 0.5  # of steps: between calls the bar moves, and Ctrl-C is heard
FIRST_STEPS = 10  # in the first call of a run, which shows how long a step takes
CALLS = 20  # in an epoch of several processes, which have to agree
PICTURE_SECONDS = 5  # at least, between two drawings of the curves; the last is always drawn


class Training(NamedTuple):
    """What every epoch of a run is trained with."""

    config: Config
    splits: Splits
    """On all devices."""
    mesh: Mesh
    key: Key[Array, ""]
    """From which each epoch folds its own."""


def train(run: Run, resume: bool) -> tuple[TrainState, list[dict[str, Any]]]:
    """Train all epochs, or all that the folder does not have yet; returns the records of all."""
    from experiments.report.pictures.curves import draw_curves  # Matplotlib may have no folder

    mesh = data_mesh(run.devices)
    init_key, epochs_key = jax.random.split(jax.random.key(run.config.seed))
    training = Training(run.config, replicate(run.splits, mesh), mesh, epochs_key)
    recipe, epochs = run.config.recipe, run.config.epochs
    records: list[dict[str, Any]] = []
    beside = original_records(run.config)
    total_steps = np.int32(epochs * count_steps(recipe, len(run.splits.train.digit)))
    with checkpoint.open_checkpoints(run.folder / workdir.CHECKPOINTS, is_first()) as checkpoints:
        saved = checkpoint.restore_latest(checkpoints) if resume else None
        if saved:
            check_same(saved, run)
            state, records = saved.state.replace(total_steps=total_steps), saved.records
            if is_first():  # as it may have been ended between the checkpoint and these
                workdir.write_metrics(run.folder, records)
                draw_curves(records, beside, run.folder / workdir.CURVES)
        else:
            state = create_state(recipe, init_key, int(total_steps))
        state = replicate(state, mesh)
        print(f"Model:   {sum(x.size for x in jax.tree.leaves(state.params)):,} parameters")
        print(f"Results: {run.folder}", flush=True)
        if resume:
            print(f"Resumed: {len(records)} of {epochs} epochs are done", flush=True)
        if len(records) < epochs:
            state = compile_ahead(state, training)
        drawn = time.perf_counter()
        for epoch in range(len(records) + 1, epochs + 1):
            state, record = run_epoch(state, training, epoch, step_seconds(records, training))
            with uninterrupted():
                records.append(record)
                if is_first():
                    latest = Checkpoint(recipe, state, records, run_facts(run))
                    checkpoint.save(checkpoints, epoch, latest)
                    workdir.write_metrics(run.folder, records)
            if is_first() and (epoch == epochs or time.perf_counter() - drawn > PICTURE_SECONDS):
                draw_curves(records, beside, run.folder / workdir.CURVES)
                drawn = time.perf_counter()
    return state, records


def run_facts(run: Run) -> dict[str, Any]:
    """List what decides the run but its recipe, and the command that trains it."""
    config = run.config
    fields = {k: v for k, v in fields_of(config).items() if not hasattr(config.recipe, k)}
    settings = current_settings(run.devices[0])
    names = {"config": run.name, "command": command_of(run.name, config)}
    return names | fields | {"settings": settings}


def check_same(saved: Checkpoint, run: Run) -> None:
    """Raise UsageError if a checkpoint is of another config than the run.

    A field that its version of the package did not have yet is taken to have been the default.
    """
    path = run.folder / workdir.CHECKPOINTS / str(len(saved.records))
    defaults = fields_of(Config(saved.recipe))
    not_fields = ("config", "command", "settings")
    fields = {name: x for name, x in saved.provenance.items() if name not in not_fields}
    settings = saved.provenance.get("settings", {})
    if unknown := fields.keys() - defaults.keys():
        why = f"{', '.join(sorted(unknown))} is no field of a config"
        raise UsageError(by_other_code(path, saved.version, why))
    workdir.check_config(str(path), defaults | fields, run.config)
    workdir.check_settings(str(path), settings, current_settings(run.devices[0]))


def compile_ahead(state: TrainState, training: Training) -> TrainState:
    """Compile what the run calls, so that the time of an epoch is that of its steps.

    An epoch cut down to none of its steps is the same program, as its bounds are values.
    """
    print(COMPILING, flush=True)
    start = time.perf_counter()
    recipe, train, test = training.config.recipe, *training.splits
    tested = evaluate(Network(recipe, state.variables), test, training.mesh)
    epoch = begin_epoch(training.key, len(train.digit))
    tally = replicate(zero_tally(), training.mesh)
    for part in parts_of(recipe, len(train.digit)):
        size = part.batch_size
        state, tally = train_steps(recipe, size, state, tally, train, epoch, (0, 0), training.mesh)
    if training.config.renew_statistics:
        renew_statistics(Network(recipe, state.variables), train)
    jax.block_until_ready((tested, state))
    print(
        f"Compiled in {time.perf_counter() - start:.1f} s. Mean losses and accuracies:", flush=True
    )
    return state


def run_epoch(
    state: TrainState, training: Training, epoch: int, pace: float | None = None
) -> tuple[TrainState, dict[str, Any]]:
    """Train one epoch, evaluate, and show both; returns the epoch's record.

    The pace is how many seconds a step takes, if that is known.
    """
    recipe, data = training.config.recipe, training.splits.train
    examples = len(data.digit)
    steps = count_steps(recipe, examples)
    progress = Progress(epoch, training.config.epochs, examples, sys.stdout.isatty())
    start = time.perf_counter()
    plan = begin_epoch(jax.random.fold_in(training.key, epoch), examples)
    tally = replicate(zero_tally(), training.mesh)
    for size, done, end in parts_of(recipe, examples):
        while done < end:
            called, stop = time.perf_counter(), min(end, end_of_call(done, steps, pace))
            bounds = done, stop
            state, tally = train_steps(
                recipe, size, state, tally, data, plan, bounds, training.mesh
            )
            check_finite(tally, epoch, stop)  # which waits for the steps
            if size == recipe.batch_size:
                pace = (time.perf_counter() - called) / (stop - done)
            done = stop
            progress.advance(min(done * recipe.batch_size, examples), averages(tally.totals))
    train = averages(tally.totals)
    seconds = time.perf_counter() - start
    if epoch == training.config.epochs and training.config.renew_statistics:
        network = renew_statistics(Network(recipe, state.variables), data)
        state = state.replace(batch_stats=network.variables["batch_stats"])
    test = test_averages(state, training)
    if not all(map(math.isfinite, test.values())):
        raise no_longer_finite(epoch, steps)
    record = {
        "epoch": epoch,
        "train": train,
        "test": test,
        "seconds": seconds,
        "examples_per_second": examples / seconds,
    }
    progress.finish(record)
    return state, record


def test_averages(state: TrainState, training: Training) -> dict[str, float]:
    """Evaluate all test images; a study of pairs that are left out counts these as well."""
    network, test = Network(training.config.recipe, state.variables), training.splits.test
    means = averages(evaluate(network, test, training.mesh))
    if network.recipe.unseen_pairs:
        outputs = predict_outputs(network, test.image, training.mesh)
        means["unseen_accuracy"] = unseen_accuracy(outputs, test.digit)
    return means


def check_finite(tally: Tally, epoch: int, steps: int) -> None:
    """Raise UsageError if the loss of one of the epoch's steps so far is not finite."""
    finite = int(tally.finite_steps)
    if finite < steps:
        raise no_longer_finite(epoch, finite + 1)


def no_longer_finite(epoch: int, step: int) -> UsageError:
    """Say where the loss went astray."""
    return UsageError(
        f"The loss is no longer finite after step {step} of epoch {epoch}, and nothing of that "
        "epoch is saved; try a smaller --learning-rate."
    )


def step_seconds(records: list[dict[str, Any]], training: Training) -> float | None:
    """Say how long a step of the latest epoch took; None before the first."""
    steps = count_steps(training.config.recipe, len(training.splits.train.digit))
    return records[-1]["seconds"] / steps if records else None


def end_of_call(done: int, steps: int, pace: float | None) -> int:
    """Say up to which of an epoch's steps the next call goes, at so many seconds a step.

    Where it ends changes no bit of the result, but must be the same in all processes.
    """
    if jax.process_count() > 1:
        count = -(-steps // CALLS)
    else:
        count = FIRST_STEPS if pace is None else int(CALL_SECONDS / max(pace, 1e-9))
    return min(steps, done + max(1, count))
