"""What a run learns from its teacher: the logits of each epoch's images, kept for other seeds."""

import hashlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float16, Key

from experiments.configs import recipe_of_epoch, teacher_of, undistorted
from experiments.system import workdir
from experiments.system.arguments import UsageError
from experiments.system.this_run import Run
from mnist_sum.data import Dataset
from mnist_sum.network import Network
from mnist_sum.recipe import Recipe
from mnist_sum.sharding import data_mesh, replicate
from mnist_sum.teacher import teacher_logits
from mnist_sum.train import Epoch
from mnist_sum.weights import WeightsError, load_run

LOGITS = "logits"  # in the teacher's work folder
SAME = ("dataset", "train_examples", "held_out")


class Teacher(NamedTuple):
    """A trained network, and what its students share."""

    network: Network
    key: Key[Array, ""]
    """From which the distortions of each epoch are drawn, the same for all students."""
    folder: Path
    """For the logits of each epoch."""


def open_teacher(run: Run, mesh: Mesh) -> Teacher | None:
    """Load the teacher of a run, if it has one; raises UsageError if it saw other images."""
    if run.teacher is None:
        return None
    config, expected = workdir.read_config(run.teacher), teacher_of(run.config)
    for name in SAME:
        if getattr(config, name) != getattr(expected, name):
            raise UsageError(
                f"The teacher in {run.teacher} has {name} {getattr(config, name)!r}, expected "
                f"{getattr(expected, name)!r} as in this run: without --teacher-run one is trained."
            )
    try:
        network = load_run(run.teacher)
    except WeightsError as error:
        raise UsageError(str(error)) from None
    return Teacher(replicate(network, mesh), jax.random.key(config.seed), run.teacher / LOGITS)


def taught(
    plan: Epoch, teacher: Teacher, recipe: Recipe, dataset: Dataset, epoch: int, mesh: Mesh
) -> Epoch:
    """Have the teacher read what is shown in an epoch, and add its logits to the epoch's plan.

    The six are what is planned, by whom and what it is read, in which epoch, and on what.
    """
    views = 0 if recipe == undistorted(recipe) else epoch  # undistorted, all epochs are alike
    key = jax.random.fold_in(teacher.key, views)
    path = teacher.folder / f"{digest(teacher, recipe, dataset)}-{views}.npy"
    alone = jax.process_count() == 1  # several processes would have to agree on what is there
    logits = read_logits(path, len(dataset.digit)) if alone else None
    if logits is None:
        logits = teacher_logits(teacher.network, recipe, dataset, key, mesh)
        if alone:
            keep_logits(path, np.asarray(logits))
    return plan._replace(example_key=replicate(key, mesh), teacher_logits=replicate(logits, mesh))


def digest(teacher: Teacher, recipe: Recipe, dataset: Dataset) -> str:
    """Name what the logits depend on, but for the epoch: teacher, distortions, images."""
    distortions: dict[str, Any] = {
        name: getattr(recipe, name)
        for name in vars(recipe)
        if getattr(undistorted(recipe), name) != getattr(recipe, name)
    }
    sha = hashlib.sha256(repr((distortions, len(dataset.digit))).encode())
    for leaf in jax.tree.leaves(teacher.network.variables):
        sha.update(np.asarray(leaf).tobytes())
    return sha.hexdigest()[:16]


def read_logits(path: Path, examples: int) -> Float16[Array, "example 10"] | None:
    """Read the logits that were kept; None if there are none, or none that are whole."""
    with suppress(OSError, ValueError, EOFError):
        logits = np.load(path)
        if logits.shape == (examples, 10) and logits.dtype == np.float16:
            return jnp.asarray(logits)
    return None


def keep_logits(path: Path, logits: Float16[np.ndarray, "example 10"]) -> None:
    """Keep the logits for other seeds, where that can be: without them, each reads for itself."""
    content = BytesIO()
    np.save(content, logits)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        workdir.write(path, content.getvalue())


def read_ahead(run: Run) -> None:
    """Have the teacher read the images of all epochs, so that no seed has to wait for it."""
    mesh = data_mesh(run.devices)
    teacher, dataset = open_teacher(run, mesh), replicate(run.splits.train, mesh)
    assert teacher is not None
    nothing = Epoch(jnp.zeros(0, jnp.int32), teacher.key, teacher.key)
    for epoch in range(1, run.config.epochs + 1):
        taught(nothing, teacher, recipe_of_epoch(run.config, epoch), dataset, epoch, mesh)
        print(f"Teacher: has read {epoch} of {run.config.epochs} epochs", flush=True)
