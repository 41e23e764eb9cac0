"""The training of one seed: its epochs, what they print, and what is saved after each."""

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.configs import Config, command_of, fields_of, list_differences
from experiments.report import original_records
from experiments.system import workdir
from experiments.system.device import current_settings
from experiments.system.distributed import is_first
from experiments.system.workdir import Records, Run
from experiments.training.progress import COMPILING, new_bar, print_epoch
from mnist_sum.errors import UsageError
from mnist_sum.files import checkpoint
from mnist_sum.learning.epoch import (
    Epoch,
    Tally,
    begin_epoch,
    count_steps,
    parts_of,
    train_steps,
    zero_tally,
)
from mnist_sum.learning.evaluate import evaluate_unchecked, predict_outputs, unseen_accuracy
from mnist_sum.learning.loss import averages
from mnist_sum.learning.network import Network, renew_unchecked
from mnist_sum.learning.sharding import replicate
from mnist_sum.learning.state import TrainState, create_state
from mnist_sum.terminal import uninterrupted

CALLS = 25  # in an epoch: between them the bar moves, and Ctrl-C is heard
PROFILED_STEPS = 20
PICTURE_SECONDS = 5  # at least, between two drawings of the curves; the last is always drawn


def train(run: Run, resume: bool, profile: Path | None = None) -> tuple[TrainState, Records]:
    """Train all epochs, or all that the folder does not have yet; returns the records of all.

    A `profile` of some steps more, whose results are dropped, goes into its folder.
    """
    from experiments.report.pictures.curves import draw_curves  # Matplotlib may have no folder

    config, writes = run.config, is_first()
    run = run._replace(splits=replicate(run.splits, run.mesh))
    init_key, _ = jax.random.split(jax.random.key(config.seed))
    total_steps = np.int32(config.epochs * count_steps(config.recipe, len(run.splits.train.digit)))
    with checkpoint.open_checkpoints(run.folder / workdir.CHECKPOINTS, writes) as checkpoints:
        saved = checkpoint.restore_latest(checkpoints) if resume else None
        if saved:
            check_same(saved, run)
            state, records = saved.state.replace(total_steps=total_steps), saved.records
        else:
            state, records = create_state(config.recipe, init_key, int(total_steps)), []
        if writes:  # again, as the run may have ended between its checkpoint and its metrics
            workdir.note(run.folder, run.name, config, current_settings(run.devices[0]))
            workdir.write_metrics(run.folder, records)
        state = replicate(state, run.mesh)
        print(f"Model:   {sum(x.size for x in jax.tree.leaves(state.params)):,} parameters")
        print(f"Results: {run.folder}", flush=True)
        if resume:
            found = f"Resumed: {len(records)} of {config.epochs} epochs are done"
            new = f"Nothing to resume in {run.folder}: starting a new run"
            print(found if saved else new, flush=True)
        if profile or len(records) < config.epochs:
            compiled = compile_ahead(state, run)
        if profile:
            compiled.result()
            write_profile(state, run, profile)
        draw = partial(draw_curves, records, original_records(config), run.folder / workdir.CURVES)
        drawn = time.perf_counter()
        for epoch in range(len(records) + 1, config.epochs + 1):
            state, record = run_epoch(state, run, epoch, compiled)
            with uninterrupted():
                records.append(record)
                if writes:
                    latest = checkpoint.Checkpoint(config.recipe, state, records, run_facts(run))
                    checkpoint.save(checkpoints, epoch, latest)
                    workdir.write_metrics(run.folder, records)
            if writes and time.perf_counter() - drawn > PICTURE_SECONDS:
                draw()
                drawn = time.perf_counter()
    if writes:
        draw()
    return state, records


def run_facts(run: Run) -> dict[str, Any]:
    """List what decides the run but its recipe, and the command that trains it."""
    config = run.config
    fields = {k: v for k, v in fields_of(config).items() if not hasattr(config.recipe, k)}
    settings = current_settings(run.devices[0])
    names = {"config": run.name, "command": command_of(run.name, config)}
    return names | fields | {"settings": settings}


def check_same(saved: checkpoint.Checkpoint, run: Run) -> None:
    """Raise UsageError if a run would not go on as it began.

    There may be more epochs, if those that are done would have been the same. A field that a
    checkpoint lacks is taken to have been the default, a setting of JAX to have been as it is.
    """
    config = run.config
    fields = fields_of(Config(saved.recipe)) | dict(saved.provenance)
    settings, _, _ = (fields.pop(name, {}) for name in ("settings", "config", "command"))
    more, why = fields["epochs"] < config.epochs, ""
    if more and config.recipe.schedule == "one_cycle":
        why = ", and one_cycle spreads over all epochs"
    elif more and config.renew_statistics:
        why = ", and renew_statistics fixes the number of epochs"
    elif more:
        fields["epochs"] = config.epochs
    if changed := list_differences(fields, fields_of(config)):
        raise UsageError(f"The run in {run.folder} has another config: {changed}{why}.")
    if changed := list_differences(settings, settings | current_settings(run.devices[0])):
        raise UsageError(f"The run in {run.folder} has other settings of JAX: {changed}.")


def prepare(run: Run, epoch: int) -> tuple[Epoch, Tally]:
    """Draw the order and the key of an epoch, and make its tally; no run trains epoch 0."""
    _, key = jax.random.split(jax.random.key(run.config.seed))
    plan = begin_epoch(jax.random.fold_in(key, epoch), len(run.splits.train.digit))
    return plan, replicate(zero_tally(), run.mesh)


def compile_ahead(state: TrainState, run: Run) -> Future[Any]:
    """Compile what a run calls: the first steps at once, the rest while these are taken.

    The rest is done when the result is; several processes, which must compile alike, wait for it.
    """
    print(COMPILING, flush=True)
    start = time.perf_counter()
    recipe, (train, test), mesh = run.config.recipe, run.splits, run.mesh
    network, (plan, tally) = Network(recipe, state.variables), prepare(run, 0)
    first, *rest = (
        partial(train_steps.lower, recipe, part.batch_size, state, tally, train, plan, (0, 0), mesh)
        for part in parts_of(recipe, len(train.digit))
    )
    rest.append(partial(evaluate_unchecked.lower, network, test, mesh))
    if run.config.renew_statistics:
        rest.append(partial(renew_unchecked.lower, network, train))
    first().compile()
    with_rest = ThreadPoolExecutor(1).submit(lambda: [lower().compile() for lower in rest])
    if jax.process_count() > 1:
        with_rest.result()
    seconds = time.perf_counter() - start
    print(f"Compiled in {seconds:.1f} s. Mean losses and accuracies:", flush=True)
    return with_rest


def write_profile(state: TrainState, run: Run, folder: Path) -> None:
    """Record what the devices do in some steps of an epoch that is not trained."""
    recipe, train, mesh = run.config.recipe, run.splits.train, run.mesh
    plan, tally = prepare(run, 0)
    size, _, steps = parts_of(recipe, len(train.digit))[0]
    copied, steps = jax.tree.map(jnp.copy, state), min(PROFILED_STEPS, steps)
    with jax.profiler.trace(str(folder)):
        start = time.perf_counter()
        trained = train_steps(recipe, size, copied, tally, train, plan, (0, steps), mesh)
        jax.block_until_ready(trained)
        seconds = time.perf_counter() - start
    print(f"Profile: {folder}, {steps} steps of {1e6 * seconds / steps:,.0f} us", flush=True)


def run_epoch(
    state: TrainState, run: Run, epoch: int, compiled: Future[Any]
) -> tuple[TrainState, dict[str, Any]]:
    config, (data, test), mesh = run.config, run.splits, run.mesh
    recipe, examples = config.recipe, len(data.digit)
    label = f"epoch {epoch:>{len(str(config.epochs))}}/{config.epochs}"
    start, steps = time.perf_counter(), -(-count_steps(recipe, examples) // CALLS)
    plan, tally = prepare(run, epoch)
    with new_bar(examples, label, "images") as bar:
        for size, begin, end in parts_of(recipe, examples):
            for at in range(begin, end, steps):
                done = min(at + steps, end)
                state, tally = train_steps(recipe, size, state, tally, data, plan, (at, done), mesh)
                check_finite(int(tally.finite_steps), epoch, done)  # waits for the steps
                trained = averages(tally.totals)
                accuracies = [f"{x} {trained[f'{x}_accuracy']:.1%}" for x in ("digit", "sum")]
                bar.set_postfix_str("  ".join(accuracies), refresh=False)
                bar.update(min(done * recipe.batch_size, examples) - bar.n)
            called = time.perf_counter()
            compiled.result()
            start += time.perf_counter() - called
    seconds = time.perf_counter() - start
    network = Network(recipe, state.variables)
    if epoch == config.epochs and config.renew_statistics:
        network = renew_unchecked(network, data)
        state = state.replace(batch_stats=network.variables["batch_stats"])
    tested = averages(evaluate_unchecked(network, test, mesh))
    if recipe.unseen_pairs:
        outputs = predict_outputs(network, test.image, mesh)
        tested["unseen_accuracy"] = unseen_accuracy(outputs, test.digit)
    if not all(map(math.isfinite, tested.values())):
        check_finite(done - 1, epoch, done)
    record = {
        "epoch": epoch,
        "train": trained,
        "test": tested,
        "seconds": seconds,
        "examples_per_second": examples / seconds,
    }
    print_epoch(label, record)
    return state, record


def check_finite(finite: int, epoch: int, steps: int) -> None:
    """Raise UsageError if not all of the epoch's steps so far had a finite loss."""
    if finite < steps:
        raise UsageError(
            f"The loss is no longer finite after step {finite + 1} of epoch {epoch}, and nothing "
            "of that epoch is saved; try a smaller --learning-rate."
        )
