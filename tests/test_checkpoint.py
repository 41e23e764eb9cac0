"""Checkpoints: what is restored is what was saved, bit for bit, or nothing and a sentence."""

import json
import resource
import shutil
from contextlib import contextmanager

import chex
import jax
import jax.numpy as jnp
import pytest

from mnist_sum.checkpoint import (
    KEEP,
    Checkpoint,
    CheckpointError,
    open_checkpoints,
    restore_latest,
    save,
)
from mnist_sum.recipe import Recipe
from mnist_sum.state import create_state

# Where one array cannot be read, the reads of others still call back when Orbax is done.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


RECIPE = Recipe(learning_rate=0.1, schedule="one_cycle")
RUN = {"dataset": "sample", "seed": 3}


def checkpoint(state, records):
    return Checkpoint(RECIPE, state, records, RUN)


def records_to(epoch):
    return [{"epoch": e, "seconds": 0.1} for e in range(1, epoch + 1)]


@pytest.fixture(scope="module")
def states():
    """Make states that differ in all of their parts."""
    states = [create_state(RECIPE, jax.random.key(seed), 70) for seed in range(4)]
    return [
        state.replace(
            step=jnp.asarray(7 * i),
            opt_state=jax.tree.map(lambda x, i=i: x + i, state.opt_state),
            batch_stats=jax.tree.map(lambda x, i=i: x + i, state.batch_stats),
        )
        for i, state in enumerate(states, start=1)
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory, states):
    """Save them, once for this module."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoints"
    with open_checkpoints(folder) as checkpoints:
        for epoch, state in enumerate(states, start=1):
            save(checkpoints, epoch, checkpoint(state, records_to(epoch)))
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """Copy them, to be damaged."""
    return shutil.copytree(saved, tmp_path / "checkpoints")


def restore(folder):
    with open_checkpoints(folder) as checkpoints:
        return restore_latest(checkpoints)


def test_the_latest_state_comes_back_whole_with_its_records(saved, states):
    restored = restore(saved)
    chex.assert_trees_all_equal(restored.state, jax.device_get(states[-1]))
    assert restored.recipe == RECIPE
    assert restored.records == records_to(4)
    assert restored.run == RUN


def test_the_latest_two_are_kept(saved):
    with open_checkpoints(saved) as checkpoints:
        assert checkpoints.all_steps() == [3, 4]
    assert KEEP == 2


def test_without_a_checkpoint_there_is_none_to_restore(tmp_path, states):
    assert restore(tmp_path / "checkpoints") is None


def test_what_an_interrupted_save_leaves_behind_is_no_checkpoint_and_is_removed(folder, states):
    shutil.copytree(folder / "4", folder / "5.orbax-checkpoint-tmp-1")
    (folder / "5.orbax-checkpoint-tmp-1" / "commit_success.txt").unlink()
    restored = restore(folder)
    assert restored.state.step == states[-1].step
    assert not list(folder.glob("*tmp*"))


@pytest.mark.parametrize("part", ["state", "records", "facts"])
def test_a_half_deleted_checkpoint_is_refused_and_names_the_way_on(folder, states, part):
    shutil.rmtree(folder / "4" / part)
    with pytest.raises(CheckpointError, match=r"4 is damaged .*: delete it to go on from") as error:
        restore(folder)
    assert "\n" not in str(error.value)
    shutil.rmtree(folder / "4")
    _, restored, records, _ = restore(folder)
    chex.assert_trees_all_equal(restored, jax.device_get(states[2]))
    assert len(records) == 3


def data_files(folder):
    """List the files of the latest state, the largest first."""
    files = [path for path in (folder / "4" / "state").rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: -path.stat().st_size)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "deleted"])
def test_a_damaged_file_is_refused(folder, states, damage):
    path = data_files(folder)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    if damage == "deleted":
        path.unlink()
    else:
        kept = {"truncated": content[: len(content) // 2], "flipped": content, "emptied": b""}
        path.write_bytes(kept[damage])
    with pytest.raises(CheckpointError, match="4 is damaged"):
        restore(folder)


def test_metrics_that_miss_an_epoch_are_refused(tmp_path, states):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        save(checkpoints, 2, checkpoint(states[0], [{"epoch": 2}]))
    with pytest.raises(CheckpointError, match="its metrics are not those of all epochs"):
        restore(tmp_path / "checkpoints")


def test_a_checkpoint_of_a_version_before_this_is_refused_and_not_called_damaged(folder):
    facts = folder / "4" / "facts" / "metadata"
    content = json.loads(facts.read_text())
    del content["version"]
    facts.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"4 was written by a version .* before 0\.2"):
        restore(folder)


@contextmanager
def small_files_only():
    """Let no file grow past 4 KiB, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_save_on_a_full_disk_is_a_sentence_and_leaves_the_checkpoint_before_it(folder, states):
    with (
        open_checkpoints(folder) as checkpoints,
        small_files_only(),
        pytest.raises(CheckpointError, match="checkpoints cannot be written") as error,
    ):
        save(checkpoints, 5, checkpoint(states[0], records_to(5)))
    assert "\n" not in str(error.value)
    _, restored, records, _ = restore(folder)
    chex.assert_trees_all_equal(restored, jax.device_get(states[-1]))
    assert records == records_to(4)


def test_a_folder_that_is_gone_is_a_sentence(tmp_path, states):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        shutil.rmtree(tmp_path / "checkpoints")
        with pytest.raises(CheckpointError, match=r"cannot be written .*it is gone"):
            save(checkpoints, 1, checkpoint(states[0], records_to(1)))


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be opened"):
        open_checkpoints(tmp_path / "file" / "checkpoints")
