"""Weights: what is loaded is what was saved, bit for bit, or nothing and a sentence."""

import json
import re
import shutil

import chex
import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mnist_sum.errors import WeightsError
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, save
from mnist_sum.files.weights import (
    METADATA,
    digest,
    load_run,
    load_weights,
    read_weights,
    save_weights,
)
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION
from tests.hostile_input import attempt
from tests.tiny import RECIPE

PROVENANCE = {"config": "sample", "seed": 3, "test": {"digit_accuracy": 0.5}}
BIAS = "params/adder/dense4/bias"


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(network, path, PROVENANCE)
    return path


def complaint(call, *arguments):
    return attempt(WeightsError, call, *arguments)[1]


@pytest.mark.parametrize("adder", ["mlp", "exact"])
def test_what_is_loaded_is_what_was_saved(tmp_path, adder):
    recipe = Recipe(adder=adder)
    network = Network(recipe, create_state(recipe, jax.random.key(1)).variables)
    provenance = {"kept": [1, None, "ü"], 10: "a number becomes", 9: "a name", "pair": (1, 2)}
    save_weights(network, str(tmp_path / "w"), provenance)
    loaded, description = read_weights(str(tmp_path / "w"))
    assert loaded.recipe == recipe
    chex.assert_trees_all_equal(loaded.variables, network.variables)
    assert description["version"] == VERSION
    assert description["provenance"] == json.loads(json.dumps(provenance))


def test_the_same_network_makes_the_same_bytes_in_their_place(network, saved, tmp_path):
    save_weights(network, tmp_path / "again", {})
    save_weights(network, tmp_path / "again", PROVENANCE)
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_no_flipped_bit_goes_unnoticed(saved, tmp_path):
    for place in range(1, 20):
        content = bytearray(saved.read_bytes())
        content[len(content) * place // 20] ^= 4
        (tmp_path / "flipped").write_bytes(content)
        sentence = complaint(load_weights, tmp_path / "flipped")
        assert re.search("flipped (is damaged [(]its|cannot be read as a file of)", sentence)


def test_another_kind_of_file_is_refused(saved, tmp_path):
    half = saved.read_bytes()[:40_000]
    for content in [b"", b"PK\x03\x04 a file of PyTorch", b"{}", bytes(1000), half]:
        (tmp_path / "w").write_bytes(content)
        assert "w cannot be read as a file of weights (" in complaint(load_weights, tmp_path / "w")
    save_file({"weight": np.zeros(3)}, tmp_path / "w")
    assert "w was not written by save_weights: it lacks" in complaint(load_weights, tmp_path / "w")


def rewrite(saved, path, changes, arrays):
    """Write a file again as other code would have; None takes an array out."""
    leaves = {k: x for k, x in (load_file(saved) | arrays).items() if x is not None}
    noted = read_weights(saved)[1] | changes
    save_file(leaves, path, {METADATA: json.dumps(noted | {"sha256": digest(noted, leaves)})})


@pytest.mark.parametrize(
    ("changes", "arrays", "sentence"),
    [
        ({"recipe": 3}, {}, "w is damaged (its description cannot be read): fetch it again."),
        ({"version": None}, {}, "w is damaged (its description cannot be read): fetch it again."),
        (
            {"version": "9.1", "recipe": {"telepathy": 1.0}},
            {},
            f"w was written by mnist_sum 9.1 and cannot be used by {VERSION}: A recipe has no "
            "field telepathy; use it with the code that wrote it, or train again.",
        ),
        ({"recipe": {"momentum": 2}}, {}, "code has changed since: momentum is 2 but must be in"),
        (
            {},
            {BIAS: None},
            f"whose code has changed since: {BIAS} is missing, expected float32[19]",
        ),
        ({}, {BIAS: np.zeros(20)}, f"{BIAS} is float64[20], expected float32[19]; use it with"),
        ({}, {"more": np.zeros(2)}, "more is float64[2], expected nothing of this name; use it"),
    ],
)
def test_what_other_code_wrote_is_named(saved, tmp_path, changes, arrays, sentence):
    rewrite(saved, tmp_path / "w", changes, arrays)
    assert sentence in complaint(load_weights, tmp_path / "w")


@pytest.mark.parametrize("noted", [{}, {"telepathy": 0.0}])
def test_a_field_that_did_not_exist_yet_or_is_gone_and_was_off_changes_nothing(
    noted, saved, tmp_path
):
    rewrite(saved, tmp_path / "w", {"recipe": noted}, {})
    assert load_weights(tmp_path / "w").recipe == Recipe()


def test_nothing_is_saved_where_a_save_fails(network, tmp_path):
    (tmp_path / "train.py").write_text("import mnist_sum as ms", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    save_file({"weight": np.zeros(3)}, tmp_path / "others")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}
    spoilt = jax.tree.map(lambda x: x * np.nan, network.variables)
    for name, given, provenance, sentence in [
        ("train.py", network, {}, "train.py exists and would be lost"),
        ("others", network, {}, "others exists and would be lost"),
        ("folder", network, {}, "folder is a folder"),
        ("no/w", network, {}, "no/w cannot be written (No such file or directory); "),
        ("v", network, {"array": np.zeros(2)}, "The provenance holds what JSON cannot"),
        ("v", network, {"loss": np.nan}, "The provenance holds what JSON cannot"),
        ("v", Network(Recipe(), {"params": {}}), {}, "is missing, expected float32["),
        ("v", Network(Recipe(), spoilt), {}, "holds NaN or infinity, expected finite"),
    ]:
        assert sentence in complaint(save_weights, given, tmp_path / name, provenance)
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Make what a run leaves, and what is left of an interrupted save."""
    folder = tmp_path_factory.mktemp("runs") / "several" / "seed-1"
    with open_checkpoints(folder / "checkpoints") as checkpoints:
        state = create_state(RECIPE, jax.random.key(0))
        save(checkpoints, 1, Checkpoint(RECIPE, state, [{"epoch": 1}], {"seed": 1}))
    shutil.copytree(folder / "checkpoints/1", folder / "checkpoints/2.orbax-checkpoint-tmp-1")
    return folder


def test_a_run_is_loaded_from_its_latest_checkpoint_and_left_as_it_was(run, network):
    def times():
        return {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]}

    before = times()
    for load in (load_run, load_weights):
        loaded = load(run)
        assert times() == before
        assert loaded.recipe == network.recipe
        chex.assert_trees_all_equal(loaded.variables, network.variables)


def test_a_name_that_leads_nowhere_is_a_sentence(run, saved, tmp_path):
    assert complaint(load_weights, tmp_path / "x").endswith("/x: check its name.")
    other = "is not the work folder of a run: it has no folder checkpoints"
    for path in (tmp_path, tmp_path / "x", saved):
        assert complaint(load_run, path) == f"{path} {other}."
    for load in (load_run, load_weights):
        assert complaint(load, run.parent) == f"{run.parent} {other}, but {run} has."
    folder = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(folder / "checkpoints" / "1" / "state")
    assert "1 is damaged" in complaint(load_run, folder)
    shutil.rmtree(folder / "checkpoints" / "1")
    assert "has no checkpoint yet" in complaint(load_run, folder)
