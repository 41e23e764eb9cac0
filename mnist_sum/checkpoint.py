"""Checkpoints: the state after an epoch and the metrics up to there, saved as one by Orbax."""

from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from mnist_sum.state import TrainState

KEEP = 2  # the one before the latest stays until the latest is complete


def open_checkpoints(folder: Path) -> ocp.CheckpointManager:
    """Open a folder of checkpoints, one an epoch; close it (or use `with`) when done."""
    options = ocp.CheckpointManagerOptions(max_to_keep=KEEP, enable_async_checkpointing=False)
    return ocp.CheckpointManager(folder.absolute(), options=options)


def save(
    checkpoints: ocp.CheckpointManager, epoch: int, state: TrainState, records: list[dict[str, Any]]
) -> None:
    """Save the state after an epoch; either all of it is written or nothing."""
    checkpoints.save(
        epoch,
        args=ocp.args.Composite(
            state=ocp.args.StandardSave(state), records=ocp.args.JsonSave(records)
        ),
    )


def restore_latest(
    checkpoints: ocp.CheckpointManager, like: TrainState
) -> tuple[TrainState, list[dict[str, Any]]]:
    """Restore the latest checkpoint into the shapes and shardings of `like`."""
    abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
    restored = checkpoints.restore(
        checkpoints.latest_step(),
        args=ocp.args.Composite(
            state=ocp.args.StandardRestore(abstract), records=ocp.args.JsonRestore()
        ),
    )
    return restored.state, restored.records
