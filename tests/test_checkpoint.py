"""Checkpoints: what is restored is what was saved, bit for bit, or nothing and a sentence."""

import errno
import resource
import shutil
from pathlib import Path

import chex
import jax
import orbax.checkpoint as ocp
import pytest

from mnist_sum.errors import WeightsError
from mnist_sum.files import checkpoint as checkpoint_file
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, restore_latest, save
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION
from tests.hostile_input import attempt

# Where one array cannot be read, the reads of others still call back when Orbax is done.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

RECIPE = Recipe(learning_rate=0.1, schedule="one_cycle")
RUN = {"dataset": "sample", "seed": 3}


def checkpoint(epoch):
    """Make a checkpoint that differs from the one before in all of its arrays."""
    state = create_state(RECIPE, jax.random.key(0), 70)
    records = [{"epoch": e, "seconds": 0.1} for e in range(1, epoch + 1)]
    return Checkpoint(RECIPE, jax.tree.map(lambda x: x + epoch, state), records, RUN)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save four, once for this module."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoints"
    with open_checkpoints(folder) as checkpoints:
        for epoch in range(1, 5):
            save(checkpoints, epoch, checkpoint(epoch))
        assert checkpoints.all_steps() == [3, 4]
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """Copy them, to be damaged."""
    return shutil.copytree(saved, tmp_path / "checkpoints")


def restore(folder):
    with open_checkpoints(folder) as checkpoints:
        return restore_latest(checkpoints)


def assert_restored(folder, epoch):
    chex.assert_trees_all_equal(restore(folder)[1], jax.device_get(checkpoint(epoch).state))
    assert restore(folder)._replace(state=None) == checkpoint(epoch)._replace(state=None)


def complaint(folder):
    return attempt(WeightsError, restore, folder)[1].replace(f"{folder}/", "")


def test_the_latest_checkpoint_comes_back_whole_if_there_is_one(saved, tmp_path):
    assert_restored(saved, 4)
    assert restore(tmp_path / "checkpoints") is None


def test_what_an_interrupted_save_leaves_behind_is_removed(folder):
    left = shutil.copytree(folder / "4", folder / "5.orbax-checkpoint-tmp-1")
    (left / "commit_success.txt").unlink()
    assert_restored(folder, 4)
    with open_checkpoints(folder) as checkpoints:
        save(checkpoints, 5, checkpoint(5))
    assert not left.exists()


def test_a_save_on_a_full_disk_is_a_sentence_and_leaves_the_checkpoint_before_it(folder):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_checkpoints(folder) as checkpoints:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        try:
            with pytest.raises(WeightsError, match=r"checkpoints cannot be written \([^\n]*$"):
                save(checkpoints, 5, checkpoint(5))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_restored(folder, 4)


def test_a_folder_that_is_gone_or_cannot_be_made_is_a_sentence(tmp_path):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        shutil.rmtree(tmp_path / "checkpoints")
        with pytest.raises(WeightsError, match=r"cannot be written .*it is gone"):
            save(checkpoints, 1, checkpoint(1))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"file/checkpoints cannot be read \(Not a directory\)"):
        open_checkpoints(tmp_path / "file" / "checkpoints")


def edit(path, change):
    """Change the content of a file, or of the largest in a folder: in a state, its arrays."""
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    largest = max(files, key=lambda file: file.stat().st_size)
    largest.write_bytes(change(largest.read_bytes()))


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda saved: shutil.rmtree(saved / "state"),
        lambda saved: shutil.rmtree(saved / "description"),
        lambda saved: edit(saved / "state", lambda content: b""),
        lambda saved: edit(saved / "state", lambda content: content[:30_000]),
        lambda saved: edit(saved / "state", flip),
        lambda saved: edit(saved / "description" / "metadata", flip),
        lambda saved: edit(saved / "description" / "metadata", lambda content: b"[]"),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_names_the_way_on(folder, damage):
    damage(folder / "4")
    assert complaint(folder).startswith("4 is damaged (")
    assert complaint(folder).endswith("): delete it to go on from the one before it.")
    shutil.rmtree(folder / "4")
    assert_restored(folder, 3)
    damage(folder / "3")
    assert complaint(folder).endswith("): delete it to begin anew.")


def test_what_may_not_be_read_is_not_called_damaged(folder, monkeypatch):
    edit(folder / "4" / "description" / "metadata", lambda content: b"")  # which Orbax reads

    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert complaint(folder).endswith(" cannot be read (Permission denied).")
    monkeypatch.setattr(ocp, "CheckpointManager", lambda *_, **__: refuse(folder))
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert complaint(folder) == f"{folder} cannot be read (Permission denied)."


def test_a_checkpoint_of_other_code_is_not_called_damaged(folder, monkeypatch):
    other = Recipe(weight_decay=0.1)

    def create(_, key, total_steps):
        return create_state(other, key, total_steps)

    monkeypatch.setattr(checkpoint_file, "create_state", create)
    assert complaint(folder).startswith(
        f"4 was written by mnist_sum {VERSION}, whose code has changed since: "
        "opt_state/1/trace/adder/block1/dense/bias is missing, expected float32[32]; use it with"
    )
    (folder / "4" / "description").rename(folder / "4" / "records")  # as 0.2 had it
    assert complaint(folder).startswith("4 was written by mnist_sum 0.2 or earlier and cannot be")
