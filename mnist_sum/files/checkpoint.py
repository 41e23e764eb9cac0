"""Checkpoints: the state after an epoch and the metrics up to there, saved as one by Orbax.

One process writes, and any process may read: everything that is saved is the same on all of them.
A checkpoint describes itself: whoever restores it need not know the recipe.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from mnist_sum.errors import WeightsError, reason_of
from mnist_sum.files.weights import (
    by_other_code,
    check_whole,
    describe_arrays,
    name_leaves,
    restore_tree,
)
from mnist_sum.learning.state import TrainState, create_state
from mnist_sum.recipe import Recipe

CHECKPOINTS = "checkpoints"  # in the work folder of a run
KEEP = 2  # the one before the latest stays until the latest is complete


class Checkpoint(NamedTuple):
    """What is saved after an epoch, its arrays on the host."""

    recipe: Recipe
    state: TrainState
    records: list[dict[str, Any]]  # the metrics of every epoch so far, for JSON
    provenance: Mapping[str, Any]  # what else decides the run, for JSON; only the caller reads it


def open_checkpoints(folder: Path, clean: bool = True) -> ocp.CheckpointManager:
    """Open a folder of checkpoints, one an epoch, for `with`; raises WeightsError.

    To `clean` removes what an interrupted save left behind, and is for the process that writes.
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
        check_readable(folder)
        raise WeightsError(f"{folder} cannot be opened ({reason_of(error)}).") from error


def save(checkpoints: ocp.CheckpointManager, epoch: int, checkpoint: Checkpoint) -> None:
    """Save a checkpoint after an epoch; raises WeightsError, and then nothing is saved."""
    folder = Path(checkpoints.directory)
    arrays = name_leaves(checkpoint.state)
    facts = {"run": dict(checkpoint.provenance), "records": checkpoint.records}
    description = describe_arrays(checkpoint.recipe, facts, arrays)
    try:
        if not folder.is_dir():
            raise FileNotFoundError("it is gone")
        items = {
            "state": ocp.args.StandardSave(arrays),
            "description": ocp.args.JsonSave(description),
        }
        checkpoints.save(epoch, args=ocp.args.Composite(**items))
    except Exception as error:  # a full disk shows up as any of many types
        raise WeightsError(f"{folder} cannot be written ({reason_of(error)}).") from error


def restore_latest(checkpoints: ocp.CheckpointManager) -> Checkpoint | None:
    """Restore the latest checkpoint if there is one, its state on the host; raises WeightsError."""
    epoch = checkpoints.latest_step()
    if epoch is None:
        return None
    path = Path(checkpoints.directory, str(epoch))
    if (path / "records").exists():  # now in the description
        raise WeightsError(by_other_code(path, "0.2 or earlier", "it is laid out in another way"))
    items = {"state": ocp.args.StandardRestore(), "description": ocp.args.JsonRestore()}
    try:
        saved = checkpoints.restore(epoch, args=ocp.args.Composite(**items))
        check_whole(saved.description, saved.state)
    except Exception as error:  # Orbax raises errors of all types for what it cannot read
        check_readable(path)
        one_before = len(checkpoints.all_steps()) > 1
        remedy = "go on from the one before it" if one_before else "begin anew"
        reason = reason_of(error)
        raise WeightsError(f"{path} is damaged ({reason}): delete it to {remedy}.") from error
    create = partial(create_state, total_steps=1)
    recipe, state = restore_tree(path, saved.description, saved.state, create)
    provenance = saved.description["provenance"]
    return Checkpoint(recipe, state, provenance["records"], provenance["run"])


def read_run(folder: Path) -> Checkpoint:
    """Restore a run's latest checkpoint, changing nothing in its folder; raises WeightsError."""
    if not (folder / CHECKPOINTS).is_dir():
        runs = sorted(path.parent for path in folder.glob(f"*/{CHECKPOINTS}"))
        but = f", but {runs[0]} has" if runs else ""
        raise WeightsError(
            f"{folder} is not the work folder of a run: it has no folder {CHECKPOINTS}{but}."
        )
    with open_checkpoints(folder / CHECKPOINTS, clean=False) as checkpoints:
        checkpoint = restore_latest(checkpoints)
    if checkpoint is None:
        raise WeightsError(f"{folder} has no checkpoint yet: train for at least one epoch.")
    return checkpoint


def check_readable(folder: Path) -> None:
    """Raise WeightsError for the first of all files in a folder that the system refuses to read."""
    for path in (folder, *folder.rglob("*")):
        try:
            if path.is_dir():
                list(path.iterdir())
            else:
                path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{path} cannot be read ({error.strerror}).") from error
