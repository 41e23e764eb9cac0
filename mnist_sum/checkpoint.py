"""Checkpoints: the state after an epoch and the metrics up to there, saved as one by Orbax.

One process writes, and any process may read: everything that is saved is the same on all of them.
A checkpoint describes itself: whoever restores it need not know by which recipe it was trained.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from mnist_sum.recipe import Recipe, recipe_of
from mnist_sum.state import TrainState, create_state

KEEP = 2  # the one before the latest stays until the latest is complete


class CheckpointError(Exception):
    """A checkpoint that cannot be saved or restored; the message is one sentence."""


class Checkpoint(NamedTuple):
    """What is saved after an epoch, its arrays on the host."""

    recipe: Recipe
    state: TrainState
    records: list[dict[str, Any]]
    """The metrics of every epoch so far, for JSON."""
    run: Mapping[str, Any]
    """What else decides the run, for JSON; only the caller knows what it means."""


def open_checkpoints(folder: Path, clean: bool = True) -> ocp.CheckpointManager:
    """Open a folder of checkpoints, one an epoch; close it (or use `with`) when done.

    Raises CheckpointError if that fails. To `clean` removes what an interrupted save has left, and
    is for the process that writes.
    """
    process = jax.process_index()
    options = ocp.CheckpointManagerOptions(
        max_to_keep=KEEP,
        enable_async_checkpointing=False,
        create=False,  # Orbax does not for one process of several
        cleanup_tmp_directories=clean,
        multiprocessing_options=ocp.options.MultiprocessingOptions(
            primary_host=process,
            active_processes={process},
            barrier_sync_key_prefix=f"process_{process}",
        ),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return ocp.CheckpointManager(folder.absolute(), options=options)
    except Exception as error:  # whatever the file system, and Orbax, make of it
        raise CheckpointError(f"{folder} cannot be opened ({describe(error)}).") from error


def save(checkpoints: ocp.CheckpointManager, epoch: int, checkpoint: Checkpoint) -> None:
    """Save a checkpoint after an epoch; raises CheckpointError, and then nothing is saved."""
    folder = Path(checkpoints.directory)
    state = jax.device_get(checkpoint.state)
    facts = {
        "version": version("mnist_sum"),
        "recipe": dataclasses.asdict(checkpoint.recipe),
        "run": dict(checkpoint.run),
        "digest": digest(state),
    }
    try:
        if not folder.is_dir():
            raise FileNotFoundError("it is gone")
        checkpoints.save(
            epoch,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state),
                records=ocp.args.JsonSave(checkpoint.records),
                facts=ocp.args.JsonSave(facts),
            ),
        )
    except Exception as error:  # a full disk reaches us as many a type
        raise CheckpointError(f"{folder} cannot be written ({describe(error)}).") from error


def restore_latest(checkpoints: ocp.CheckpointManager) -> Checkpoint | None:
    """Restore the latest checkpoint, its state as numpy arrays; None if there is none.

    Raises CheckpointError for one that is damaged, or was written by a version before 0.2.
    """
    epoch = checkpoints.latest_step()
    if epoch is None:
        return None
    path = Path(checkpoints.directory, str(epoch))
    try:
        facts = checkpoints.restore(epoch, args=ocp.args.Composite(facts=ocp.args.JsonRestore()))
        facts = facts.facts
        if "version" not in facts:
            raise CheckpointError(
                f"{path} was written by a version of mnist_sum before 0.2, which this one cannot "
                "read; choose another --workdir."
            )
        recipe = recipe_of(facts["recipe"])
        saved = checkpoints.restore(
            epoch,
            args=ocp.args.Composite(
                state=ocp.args.StandardRestore(state_like(recipe)),
                records=ocp.args.JsonRestore(),
            ),
        )
        if digest(saved.state) != facts["digest"]:
            raise ValueError("its arrays are not those that were saved")
        if [record["epoch"] for record in saved.records] != list(range(1, epoch + 1)):
            raise ValueError("its metrics are not those of all epochs")
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{path} is damaged ({describe(error)}): delete it to go on from the one before it."
        ) from error
    return Checkpoint(recipe, saved.state, saved.records, facts["run"])


def state_like(recipe: Recipe) -> TrainState:
    """Make a state of zeros in the shapes of a recipe's, on the host; nothing is compiled."""
    create = partial(create_state, recipe, total_steps=1)
    shapes = jax.eval_shape(create, jax.eval_shape(lambda: jax.random.key(0)))
    return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)


def digest(state: TrainState) -> str:
    """Compute the SHA-256 of all arrays, with their names, shapes and types; on the host."""
    sha = hashlib.sha256()
    for path, x in jax.tree.leaves_with_path(state):
        sha.update(f"{jax.tree_util.keystr(path)} {x.shape} {x.dtype}".encode())
        sha.update(x.tobytes())
    return sha.hexdigest()


def describe(error: Exception) -> str:
    """Give an error's type and the first line of its message, cut where it gets long."""
    line = (str(error).splitlines() or [""])[0].strip().rstrip(".:")
    return f"{type(error).__name__}: {line[:200]}".rstrip(": ")
