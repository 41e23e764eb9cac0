"""Checkpoints: the state after an epoch and the metrics up to there, saved as one by Orbax.

One process writes, and any process may read: everything that is saved is the same on all of them.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from mnist_sum.config import Config
from mnist_sum.state import TrainState

KEEP = 2  # the one before the latest stays until the latest is complete


class CheckpointError(Exception):
    """A checkpoint that cannot be saved or restored; the message is one sentence."""


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


def save(
    checkpoints: ocp.CheckpointManager, epoch: int, state: TrainState, records: list[dict[str, Any]]
) -> None:
    """Save the state after an epoch; raises CheckpointError, and then nothing is saved."""
    folder = Path(checkpoints.directory)
    state = jax.device_get(state)
    facts = {"config": dataclasses.asdict(state.config), "digest": digest(state)}
    try:
        if not folder.is_dir():
            raise FileNotFoundError("it is gone")
        checkpoints.save(
            epoch,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state),
                records=ocp.args.JsonSave(records),
                facts=ocp.args.JsonSave(facts),
            ),
        )
    except Exception as error:  # a full disk reaches us as many a type
        raise CheckpointError(f"{folder} cannot be written ({describe(error)}).") from error


def restore_latest(
    checkpoints: ocp.CheckpointManager, like: TrainState
) -> tuple[TrainState, list[dict[str, Any]]] | None:
    """Restore the latest checkpoint as numpy arrays in the shapes of `like`, with its records.

    Returns None if there is none. Raises CheckpointError for one that is damaged, or is of another
    config than that of `like`.
    """
    epoch = checkpoints.latest_step()
    if epoch is None:
        return None
    path = Path(checkpoints.directory, str(epoch))
    saved = ocp.args.Composite(facts=ocp.args.JsonRestore())
    try:
        facts = checkpoints.restore(epoch, args=saved).facts
        differing = list_differences(facts["config"], like.config)
    except Exception as error:
        raise CheckpointError(damaged(path, error)) from error
    if differing:
        raise CheckpointError(f"{path} is of a run with another config: {differing}.")
    saved = ocp.args.Composite(
        state=ocp.args.StandardRestore(jax.device_get(like)), records=ocp.args.JsonRestore()
    )
    try:
        restored = checkpoints.restore(epoch, args=saved)
        if digest(restored.state) != facts["digest"]:
            raise ValueError("its arrays are not those that were saved")
        if [record["epoch"] for record in restored.records] != list(range(1, epoch + 1)):
            raise ValueError("its metrics are not those of all epochs")
    except Exception as error:
        raise CheckpointError(damaged(path, error)) from error
    return restored.state, restored.records


def digest(state: TrainState) -> str:
    """Compute the SHA-256 of all arrays, with their names, shapes and types; on the host."""
    sha = hashlib.sha256()
    for path, x in jax.tree.leaves_with_path(state):
        sha.update(f"{jax.tree_util.keystr(path)} {x.shape} {x.dtype}".encode())
        sha.update(x.tobytes())
    return sha.hexdigest()


def list_differences(saved: dict[str, Any], config: Config) -> str:
    """Name the fields in which a saved config differs, with both values; empty if in none."""
    now = dataclasses.asdict(config)
    fields = [name for name in now | saved if now.get(name) != saved.get(name)]
    return ", ".join(f"{name} was {saved.get(name)!r} and is {now.get(name)!r}" for name in fields)


def damaged(path: Path, error: Exception) -> str:
    """Say which checkpoint is damaged, and how to go on."""
    return f"{path} is damaged ({describe(error)}): delete it to go on from the one before it."


def describe(error: Exception) -> str:
    """Give an error's type and the first line of its message, cut where it gets long."""
    line = (str(error).splitlines() or [""])[0].strip().rstrip(".:")
    return f"{type(error).__name__}: {line[:200]}".rstrip(": ")
