"""Checkpoints that are damaged, of another version or may not be read: told from each other."""

import errno
import json
import os
import shutil
from pathlib import Path

import chex
import jax
import orbax.checkpoint as ocp
import pytest

from mnist_sum.errors import CheckpointError
from mnist_sum.files.checkpoint import open_checkpoints, save
from mnist_sum.version import VERSION
from tests import saving
from tests.saving import RECIPE, checkpoint, records_to, restore

pytestmark = saving.ignore_late_reads
states, saved, folder = saving.states, saving.saved, saving.folder


@pytest.mark.parametrize("part", ["state", "records", "facts"])
def test_a_half_deleted_checkpoint_is_refused_and_names_the_way_on(folder, states, part):
    shutil.rmtree(folder / "4" / part)
    with pytest.raises(CheckpointError, match=r"4 is damaged .*: delete it to go on from") as error:
        restore(folder)
    assert "\n" not in str(error.value)
    shutil.rmtree(folder / "4")
    _, restored, records, *_ = restore(folder)
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


def test_the_one_before_is_named_only_if_there_is_one(folder):
    shutil.rmtree(folder / "3")
    data_files(folder)[0].write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"4 is damaged .*: delete it to begin anew\.$"):
        restore(folder)


@pytest.mark.parametrize("kind", ["facts", "state"])
def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged(folder, kind, monkeypatch):
    path = data_files(folder)[0] if kind == "state" else folder / "4" / "facts" / "metadata"
    content = path.read_bytes()
    path.write_bytes(b"")  # for Orbax, which reads in other ways
    read = Path.read_bytes

    def refuse(self):
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(CheckpointError) as caught:
            restore(folder)
    assert str(caught.value) == f"{path} cannot be read (Permission denied)."
    path.write_bytes(content)
    assert restore(folder).records == records_to(4)


def test_checkpoints_that_may_not_be_read_are_not_called_damaged(folder, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(ocp, "CheckpointManager", refuse)
    with pytest.raises(CheckpointError, match=r"checkpoints cannot be read \(Permission denied\)"):
        open_checkpoints(folder)


def test_metrics_that_miss_an_epoch_are_refused(tmp_path, states):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        save(checkpoints, 2, checkpoint(states[0], [{"epoch": 2}]))
    with pytest.raises(CheckpointError, match="its metrics are not those of all epochs"):
        restore(tmp_path / "checkpoints")


# All arrays are whole from here on, so that late reads call back while this module is run.


def edit(path, **changes):
    """Replace some entries of a file of JSON."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_checkpoint_of_before_they_described_themselves_is_not_called_damaged(folder):
    shutil.rmtree(folder / "4" / "facts")
    edit(folder / "4" / "_CHECKPOINT_METADATA", item_handlers={"state": "", "records": ""})
    with pytest.raises(CheckpointError, match=r"4 was written by mnist_sum of before 0\.2 and"):
        restore(folder)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"recipe": {"mixup": 0.5}}, "mixup is no field of a recipe"),
        ({"recipe": {"shift": 99.0}}, r"shift is 99\.0 and must be in \[0, 28\]"),
        ({"layout": ["a"]}, "its state is made of other arrays"),
    ],
)
def test_a_checkpoint_of_another_version_is_not_called_damaged(folder, change, why):
    edit(folder / "4" / "facts" / "metadata", version="9.8", **change)
    with pytest.raises(
        CheckpointError, match=rf"4 was written by mnist_sum 9\.8 .*, as {why}"
    ) as error:
        restore(folder)
    assert "delete" not in str(error.value)


def test_a_field_that_the_recipe_did_not_have_yet_takes_its_default(folder):
    facts = json.loads((folder / "4" / "facts" / "metadata").read_text())
    del facts["recipe"]["erase"]
    edit(folder / "4" / "facts" / "metadata", **facts)
    assert restore(folder).recipe == RECIPE


def test_a_checkpoint_names_the_version_that_wrote_it(folder):
    assert restore(folder).version == VERSION
    edit(folder / "4" / "facts" / "metadata", version="0.2.1")
    assert restore(folder).version == "0.2.1"
