"""Checkpoints: the state after an epoch and the metrics up to there, saved as one by Orbax.

One process writes, and any process may read: everything that is saved is the same on all of them.
A checkpoint describes itself: whoever restores it need not know by which recipe it was trained.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import jax
import numpy as np
import orbax.checkpoint as ocp

from mnist_sum.errors import CheckpointError, RecipeError
from mnist_sum.learning.state import TrainState, create_state
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION

ITEMS = "_CHECKPOINT_METADATA"  # in which Orbax notes of what a checkpoint is made
KEEP = 2  # the one before the latest stays until the latest is complete


class Checkpoint(NamedTuple):
    """What is saved after an epoch, its arrays on the host."""

    recipe: Recipe
    state: TrainState
    records: list[dict[str, Any]]
    """The metrics of every epoch so far, for JSON."""
    run: Mapping[str, Any]
    """What else decides the run, for JSON; only the caller knows what it means."""
    version: str = VERSION
    """The version of mnist_sum that has written it."""


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
        refusal = find_refusal(folder)
        if isinstance(refusal, PermissionError):  # which Orbax cannot say without a user's name
            raise unreadable(folder, refusal) from error
        raise CheckpointError(f"{folder} cannot be opened ({first_line(error)}).") from error


def save(checkpoints: ocp.CheckpointManager, epoch: int, checkpoint: Checkpoint) -> None:
    """Save a checkpoint after an epoch; raises CheckpointError, and then nothing is saved."""
    folder = Path(checkpoints.directory)
    state = jax.device_get(checkpoint.state)
    facts = {
        "version": VERSION,
        "recipe": dataclasses.asdict(checkpoint.recipe),
        "run": dict(checkpoint.run),
        "layout": layout(state),
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
        raise CheckpointError(f"{folder} cannot be written ({first_line(error)}).") from error


def restore_latest(checkpoints: ocp.CheckpointManager) -> Checkpoint | None:
    """Restore the latest checkpoint, its state as numpy arrays; None if there is none.

    Raises CheckpointError for one that cannot be read, is of another version, or is damaged.
    """
    epoch = checkpoints.latest_step()
    if epoch is None:
        return None
    path = Path(checkpoints.directory, str(epoch))
    try:
        return restore(checkpoints, epoch)
    except CheckpointError:
        raise
    except Exception as error:
        if refusal := find_refusal(path):
            raise unreadable(path, refusal) from error
        one_before = len(checkpoints.all_steps()) > 1
        remedy = "go on from the one before it" if one_before else "begin anew"
        raise CheckpointError(
            f"{path} is damaged ({first_line(error)}): delete it to {remedy}."
        ) from error


def restore(checkpoints: ocp.CheckpointManager, epoch: int) -> Checkpoint:
    """Restore the checkpoint after an epoch.

    Raises CheckpointError for one of another version, and any error for one that is damaged.
    """
    path = Path(checkpoints.directory, str(epoch))
    if "facts" not in json.loads((path / ITEMS).read_text())["item_handlers"]:
        raise of_another_version(path, "of before 0.2", "it does not say what it was trained by")
    facts = checkpoints.restore(epoch, args=ocp.args.Composite(facts=ocp.args.JsonRestore())).facts
    try:
        recipe = Recipe(**facts["recipe"])
    except RecipeError as error:
        raise of_another_version(path, facts["version"], str(error).rstrip(".")) from error
    like = state_like(recipe)
    if facts.get("layout", layout(like)) != layout(like):
        raise of_another_version(path, facts["version"], "its state is made of other arrays")
    saved = checkpoints.restore(
        epoch,
        args=ocp.args.Composite(
            state=ocp.args.StandardRestore(like), records=ocp.args.JsonRestore()
        ),
    )
    if digest(saved.state) != facts["digest"]:
        raise ValueError("its arrays are not those that were saved")
    if [record["epoch"] for record in saved.records] != list(range(1, epoch + 1)):
        raise ValueError("its metrics are not those of all epochs")
    return Checkpoint(recipe, saved.state, saved.records, facts["run"], facts["version"])


def of_another_version(path: Path, version: str, why: str) -> CheckpointError:
    """Say that a checkpoint is whole, but not one of this version's."""
    return CheckpointError(
        f"{path} was written by mnist_sum {version} and cannot be used by {VERSION}, as {why}."
    )


def unreadable(path: Path, error: OSError) -> CheckpointError:
    """Say that the system refuses to read a file, of which nothing else is known."""
    return CheckpointError(f"{error.filename or path} cannot be read ({error.strerror or error}).")


def find_refusal(path: Path) -> OSError | None:
    """Read all that is in a folder; returns the first error of the system."""

    def stop(error: OSError) -> NoReturn:
        raise error

    try:
        for folder, _, names in os.walk(path, onerror=stop):
            for name in names:
                Path(folder, name).read_bytes()
    except OSError as error:
        return error
    return None


def state_like(recipe: Recipe) -> TrainState:
    """Make a state of zeros in the shapes of a recipe's, on the host; nothing is compiled."""
    create = partial(create_state, recipe, total_steps=1)
    shapes = jax.eval_shape(create, jax.eval_shape(lambda: jax.random.key(0)))
    return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)


def layout(state: TrainState) -> list[str]:
    """List the arrays of a state: their names, shapes and types."""
    return [
        f"{jax.tree_util.keystr(path)} {x.shape} {x.dtype}"
        for path, x in jax.tree.leaves_with_path(state)
    ]


def digest(state: TrainState) -> str:
    """Compute the SHA-256 of all arrays, with their names, shapes and types; on the host."""
    sha = hashlib.sha256()
    for line, x in zip(layout(state), jax.tree.leaves(state), strict=True):
        sha.update(line.encode())
        sha.update(x.tobytes())
    return sha.hexdigest()


def first_line(error: Exception) -> str:
    """Give an error's type and the first line of its message, cut where it gets long."""
    line = (str(error).splitlines() or [""])[0].strip().rstrip(".:")
    return f"{type(error).__name__}: {line[:200]}".rstrip(": ")
