"""Checkpoints: what is restored is what was saved, bit for bit, or nothing and a sentence."""

import resource
import shutil
from contextlib import contextmanager

import chex
import jax
import pytest

from mnist_sum.errors import CheckpointError
from mnist_sum.files.checkpoint import KEEP, open_checkpoints, save
from tests import saving
from tests.saving import RECIPE, RUN, checkpoint, records_to, restore

pytestmark = saving.ignore_late_reads
states, saved, folder = saving.states, saving.saved, saving.folder


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
    _, restored, records, *_ = restore(folder)
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
