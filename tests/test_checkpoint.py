"""Checkpoints: what is restored is what was saved, bit for bit, or nothing and a sentence."""

import errno
import json
import resource
import shutil
from contextlib import contextmanager
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
import pytest

from mnist_sum.errors import WeightsError
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, restore_latest, save
from mnist_sum.files.description import digest
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION

# Where one array cannot be read, the reads of others still call back when Orbax is done.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

RECIPE = Recipe(learning_rate=0.1, schedule="one_cycle")
RUN = {"dataset": "sample", "seed": 3}


def records_to(epoch):
    return [{"epoch": e, "seconds": 0.1} for e in range(1, epoch + 1)]


def checkpoint(state, epoch):
    return Checkpoint(RECIPE, state, records_to(epoch), RUN)


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
            save(checkpoints, epoch, checkpoint(state, epoch))
        assert checkpoints.all_steps() == [3, 4]
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """Copy them, to be damaged."""
    return shutil.copytree(saved, tmp_path / "checkpoints")


def restore(folder):
    with open_checkpoints(folder) as checkpoints:
        return restore_latest(checkpoints)


def complaint(folder):
    with pytest.raises(WeightsError) as caught:
        restore(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "")


def test_the_latest_checkpoint_comes_back_whole(saved, states):
    restored = restore(saved)
    chex.assert_trees_all_equal(restored.state, jax.device_get(states[-1]))
    assert restored[0] == RECIPE
    assert restored[2:] == (records_to(4), RUN, VERSION)


def test_without_a_checkpoint_there_is_none_to_restore(tmp_path):
    assert restore(tmp_path / "checkpoints") is None


def test_what_an_interrupted_save_leaves_behind_is_removed(folder, states):
    shutil.copytree(folder / "4", folder / "5.orbax-checkpoint-tmp-1")
    (folder / "5.orbax-checkpoint-tmp-1" / "commit_success.txt").unlink()
    assert restore(folder).records == records_to(4)
    with open_checkpoints(folder) as checkpoints:
        save(checkpoints, 5, checkpoint(states[0], 5))
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
        pytest.raises(WeightsError, match=r"checkpoints cannot be written \([^\n]*$"),
    ):
        save(checkpoints, 5, checkpoint(states[0], 5))
    assert restore(folder).records == records_to(4)


def test_a_folder_that_is_gone_or_cannot_be_made_is_a_sentence(tmp_path, states):
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        shutil.rmtree(tmp_path / "checkpoints")
        with pytest.raises(WeightsError, match=r"cannot be written .*it is gone"):
            save(checkpoints, 1, checkpoint(states[0], 1))
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"file/checkpoints cannot be read \(Not a directory\)"):
        open_checkpoints(tmp_path / "file" / "checkpoints")


def largest(folder):
    """Find the file that holds the arrays."""
    files = [path for path in (folder / "4" / "state").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: shutil.rmtree(folder / "4" / "state"),
        lambda folder: shutil.rmtree(folder / "4" / "description"),
        lambda folder: largest(folder).unlink(),
        lambda folder: largest(folder).write_bytes(b""),
        lambda folder: largest(folder).write_bytes(largest(folder).read_bytes()[:30_000]),
        lambda folder: flip(largest(folder)),
        lambda folder: flip(folder / "4" / "description" / "metadata"),
        lambda folder: (folder / "4" / "description" / "metadata").write_text("[]"),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_names_the_way_on(folder, states, damage):
    damage(folder)
    assert complaint(folder).startswith("4 is damaged (")
    assert complaint(folder).endswith("): delete it to go on from the one before it.")
    shutil.rmtree(folder / "4")
    chex.assert_trees_all_equal(restore(folder).state, jax.device_get(states[2]))
    damage(shutil.move(folder / "3", folder / "4").parent)
    assert complaint(folder).endswith("): delete it to begin anew.")


def test_what_may_not_be_read_is_not_called_damaged(folder, monkeypatch):
    path = folder / "4" / "description" / "metadata"
    content = path.read_bytes()
    path.write_bytes(b"")  # for Orbax, which reads in other ways

    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        assert complaint(folder).endswith(" cannot be read (Permission denied).")
        patch.setattr(ocp, "CheckpointManager", lambda *_, **__: refuse(folder))
        patch.setattr(Path, "iterdir", refuse)
        assert complaint(folder) == f"{folder} cannot be read (Permission denied)."
    path.write_bytes(content)
    assert restore(folder).records == records_to(4)


def rewrite(folder, version, recipe):
    """Describe the latest checkpoint as another version would have; None takes a field out."""
    path = folder / "4" / "description" / "metadata"
    noted = json.loads(path.read_text(encoding="utf-8"))
    fields = {name: x for name, x in (noted["recipe"] | recipe).items() if x is not None}
    noted |= {"version": version, "recipe": fields}
    with open_checkpoints(folder) as checkpoints:
        args = ocp.args.Composite(state=ocp.args.StandardRestore())
        arrays = checkpoints.restore(4, args=args).state
    path.write_text(json.dumps(noted | {"sha256": digest(noted, arrays)}), encoding="utf-8")


@pytest.mark.parametrize(
    ("version", "recipe", "sentence"),
    [
        (
            "9.8",
            {"mixup": 0.5},
            f"4 was written by mnist_sum 9.8 and cannot be used by {VERSION}: A recipe has no "
            "field mixup; use it with the code that wrote it, or train again.",
        ),
        (
            "9.8",
            {"shift": 99.0},
            f"by {VERSION}: shift is 99.0 and must be in [0, 28], an image's side; use",
        ),
        (
            VERSION,
            {"weight_decay": 0.1},
            f"4 was written by mnist_sum {VERSION}, whose code has changed since: "
            "opt_state/1/trace/adder/block1/dense/bias is missing, expected float32[32]; use it",
        ),
    ],
)
def test_a_checkpoint_of_other_code_is_not_called_damaged(folder, version, recipe, sentence):
    rewrite(folder, version, recipe)
    assert sentence in complaint(folder)


def test_a_checkpoint_of_0_2_is_not_called_damaged(folder):
    (folder / "4" / "description").rename(folder / "4" / "records")
    assert complaint(folder).startswith("4 was written by mnist_sum 0.2 or earlier and cannot be")


def test_a_field_that_the_recipe_did_not_have_yet_takes_its_default(folder):
    rewrite(folder, "0.2.1", {"erase": None})
    assert restore(folder)[0] == RECIPE
    assert restore(folder).version == "0.2.1"
