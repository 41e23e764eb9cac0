"""Weights: what is loaded is what was saved, bit for bit, or nothing and a sentence."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import chex
import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mnist_sum.errors import WeightsError
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, save
from mnist_sum.files.weights import (
    FORMAT,
    METADATA,
    load_run,
    load_weights,
    read_provenance,
    save_weights,
)
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

PROVENANCE = {"config": "sample", "seed": 3, "test": {"digit_accuracy": 0.5}}


@pytest.fixture(scope="module")
def state():
    return create_state(Recipe(), jax.random.key(0))


@pytest.fixture(scope="module")
def network(state):
    return Network(Recipe(), state.variables)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(network, path, PROVENANCE)
    return path


def rewrite(path, new, header=(), **arrays):
    """Write a file again with other metadata, or other arrays (None takes one out)."""
    leaves = load_file(path) | {name.replace("__", "/"): x for name, x in arrays.items()}
    noted = read_provenance(path) | {"sha256": ""} | dict(header)
    leaves = {name: x for name, x in leaves.items() if x is not None}
    save_file(leaves, new, {METADATA: json.dumps(noted)})
    return new


def complaint(call, *arguments):
    with pytest.raises(WeightsError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_loaded_is_what_was_saved(network, saved):
    loaded = load_weights(str(saved))
    assert loaded.recipe == network.recipe
    chex.assert_trees_all_equal(loaded.variables, network.variables)
    assert read_provenance(saved)["provenance"] == PROVENANCE


def test_a_recipe_without_parameters_to_add_with_is_saved_too(tmp_path):
    recipe = Recipe(adder="exact")
    network = Network(recipe, create_state(recipe, jax.random.key(1)).variables)
    save_weights(network, tmp_path / "exact", {})
    loaded = load_weights(tmp_path / "exact")
    assert loaded.recipe == recipe
    chex.assert_trees_all_equal(loaded.variables, network.variables)


def test_the_same_network_makes_the_same_bytes(network, saved, tmp_path):
    save_weights(network, tmp_path / "again", PROVENANCE)
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


@pytest.mark.parametrize("place", range(1, 20))
def test_no_flipped_bit_goes_unnoticed(saved, tmp_path, place):
    content = bytearray(saved.read_bytes())
    content[len(content) * place // 20] ^= 4
    (tmp_path / "flipped").write_bytes(content)
    assert "flipped is" in complaint(load_weights, tmp_path / "flipped")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a file of PyTorch", b"{}", bytes(1000)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    assert "w is no whole safetensors file (" in complaint(load_weights, tmp_path / "w")


def test_half_a_file_is_refused(saved, tmp_path):
    (tmp_path / "w").write_bytes(saved.read_bytes()[:40_000])
    assert "w is no whole safetensors file (" in complaint(load_weights, tmp_path / "w")


def test_the_weights_of_another_network_are_refused(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "other")
    assert "other is of another network: it lacks" in complaint(load_weights, tmp_path / "other")


def test_a_later_format_names_the_version_that_wrote_it(saved, tmp_path):
    later = rewrite(saved, tmp_path / "w", {"format": FORMAT + 1, "version": "9.1"})
    assert "w was written by mnist_sum 9.1 in format 2, and version" in complaint(
        load_weights, later
    )


def test_an_unknown_recipe_names_the_version_that_wrote_it(saved, tmp_path, monkeypatch):
    recipe = dataclasses.asdict(Recipe()) | {"telepathy": 1.0}
    later = rewrite(saved, tmp_path / "w", {"version": "9.1", "recipe": recipe})
    monkeypatch.setattr("mnist_sum.files.weights._digest", lambda *_: "")
    sentence = complaint(load_weights, later)
    assert "w was written by mnist_sum 9.1, by a recipe that version" in sentence
    assert "(telepathy is no field of a recipe)" in sentence


@pytest.mark.parametrize("header", [{"recipe": 3}, {"format": "x"}, {"version": None}])
def test_metadata_of_other_types_are_refused(saved, tmp_path, header):
    bad = rewrite(saved, tmp_path / "w", header)
    assert "w is damaged: its metadata cannot be read" in complaint(load_weights, bad)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "is missing and must be float32[19]."),
        (np.zeros(20, np.float32), "is float32[20] and must be float32[19]."),
        (np.zeros(19), "is float64[19] and must be float32[19]."),
        (np.full(19, np.nan, np.float32), "holds what is not finite."),
    ],
)
def test_an_array_that_does_not_fit_is_named(saved, tmp_path, monkeypatch, value, sentence):
    bad = rewrite(saved, tmp_path / "w", params__adder__dense4__bias=value)
    monkeypatch.setattr("mnist_sum.files.weights._digest", lambda *_: "")
    assert complaint(load_weights, bad).endswith(f"params/adder/dense4/bias {sentence}")


def test_a_name_that_leads_nowhere_is_a_sentence(tmp_path):
    assert complaint(load_weights, tmp_path / "x").startswith("There is no file")
    assert "is no file" in complaint(load_weights, tmp_path)
    assert complaint(load_run, tmp_path / "x").startswith("There is no folder")
    assert "is no work folder of a run" in complaint(load_run, tmp_path)


def test_a_save_that_fails_leaves_what_was_there(network, saved, tmp_path):
    assert "cannot be written" in complaint(save_weights, network, tmp_path / "no" / "w", {})
    (tmp_path / "w").mkdir()
    assert "cannot be written" in complaint(save_weights, network, tmp_path / "w", {})
    assert "JSON" in complaint(save_weights, network, tmp_path / "v", {"array": np.zeros(2)})
    assert "missing" in complaint(save_weights, Network(Recipe(), {}), tmp_path / "v", {})
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


@pytest.fixture(scope="module")
def run(state, tmp_path_factory):
    """Make what a run leaves, in a work folder whose files cannot be written."""
    folder = tmp_path_factory.mktemp("runs") / "several" / "seed-1"
    with open_checkpoints(folder / "checkpoints") as checkpoints:
        save(checkpoints, 1, Checkpoint(Recipe(), state, [{"epoch": 1}], {"seed": 1}))
    shutil.copytree(folder / "checkpoints" / "1", folder / "checkpoints" / "2.orbax-tmp")
    return folder


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_a_run_is_loaded_from_its_latest_checkpoint_and_left_as_it_was(run, network):
    before = contents(run)
    loaded = load_run(run)
    assert contents(run) == before
    assert loaded.recipe == network.recipe
    chex.assert_trees_all_equal(loaded.variables, network.variables)


def test_the_wrong_function_names_the_right_one(run, saved):
    assert "load_run reads it" in complaint(load_weights, run)
    assert "load_weights reads files" in complaint(load_run, saved)
    assert complaint(load_run, run.parent).endswith(f"such as {run}.")


def test_a_run_without_a_whole_checkpoint_is_a_sentence(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "1" / "state")
    assert "1 is damaged" in complaint(load_run, folder)
    shutil.rmtree(folder / "checkpoints" / "1")
    assert "has no checkpoint yet" in complaint(load_run, folder)


def test_an_answer_needs_neither_orbax_nor_tfds():
    program = (
        "import sys, numpy as np, mnist_sum as ms\n"
        "network = ms.load_pretrained()\n"
        "ms.predict(network, np.zeros((1, 28, 28), np.uint8), np.zeros(1, int))\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    loaded = set(finished.stdout.split())
    assert "flax" in loaded
    assert not loaded & {"orbax", "tensorflow_datasets", "array_record", "matplotlib", "torch"}
