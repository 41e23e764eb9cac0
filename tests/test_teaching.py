"""A run with a teacher: trained first, asked once for each epoch, and of the same images."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from experiments import run as command
from experiments.configs import Config, named_config, recipe_of_epoch, teacher_of, vary
from experiments.system import workdir
from experiments.training import teaching
from mnist_sum.recipe import RecipeError
from mnist_sum.weights import load_run

OPTIONS = ["--config", "smoke", "--train-examples", "200", "--devices", "1"]
TAUGHT = [*OPTIONS, "--teacher", "smoke", "--temperature", "2", "--shift", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train a student and its teacher."""
    folder = tmp_path_factory.mktemp("taught") / "run"
    options = ["--clean-epochs", "1", "--renew-statistics", "--workdir", str(folder)]
    assert command.main([*TAUGHT, *options]) == 0
    return folder


def test_the_teacher_is_a_run_of_its_own_of_the_same_images(folder):
    config = workdir.read_config(folder / "teacher")
    assert (config.train_examples, config.teacher) == (200, None)
    assert config.recipe == named_config("smoke").recipe
    assert len((folder / "teacher" / workdir.METRICS).read_text().splitlines()) == 2
    assert load_run(folder).recipe.temperature == 2.0


def test_what_it_says_is_kept_for_each_epoch(folder):
    files = sorted((folder / "teacher" / teaching.LOGITS).iterdir())
    distorted, clean = (np.load(file) for file in sorted(files, key=lambda f: f.stem[-1:] == "0"))
    assert distorted.shape == clean.shape == (200, 10)
    assert (distorted != clean).any()
    assert [file.stem.split("-")[1] for file in files if file.stem.endswith("-1")] == ["1"]


def test_another_seed_asks_no_teacher_again(folder, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the teacher was asked again")

    monkeypatch.setattr(teaching, "teacher_logits", refuse)
    options = ["--clean-epochs", "1", "--teacher-run", str(folder / "teacher"), "--seed", "5"]
    assert command.main([*TAUGHT, *options, "--workdir", str(tmp_path / "other")]) == 0
    assert not (tmp_path / "other" / "teacher").exists()


def test_a_teacher_of_other_images_is_refused(folder, tmp_path, capsys):
    options = ["--teacher-run", str(folder / "teacher"), "--held-out", "50"]
    assert command.main([*TAUGHT, *options, "--workdir", str(tmp_path / "run")]) == 2
    assert "has held_out 0, expected 50 as in this run" in capsys.readouterr().err


def test_damaged_logits_are_made_again(tmp_path):
    path = tmp_path / "logits" / "x-1.npy"
    logits = np.arange(30, dtype=np.float16).reshape(3, 10)
    teaching.keep_logits(path, logits)
    assert (np.asarray(teaching.read_logits(path, 3)) == logits).all()
    assert teaching.read_logits(path, 4) is None
    path.write_bytes(path.read_bytes()[:-7])
    assert teaching.read_logits(path, 3) is None
    assert teaching.read_logits(tmp_path / "none.npy", 3) is None


def test_the_last_epochs_show_images_as_they_are():
    config = vary(named_config("best"), epochs=10, clean_epochs=3)
    recipes = [recipe_of_epoch(config, epoch) for epoch in range(1, 11)]
    assert recipes[:7] == 7 * [config.recipe]
    clean = dataclasses.replace(config.recipe, shift=0.0, rotation=0.0, scale=0.0, shear=0.0)
    assert recipes[7:] == 3 * [clean]


def test_new_statistics_are_those_of_the_last_epoch_alone(folder):
    records = [json.loads(line) for line in (folder / workdir.METRICS).read_text().splitlines()]
    assert len(records) == 2
    network = load_run(folder)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(network.variables))


def test_a_teacher_sees_what_its_student_sees():
    config = vary(named_config("best"), held_out=5000, train_examples=6000)
    own = teacher_of(config)
    assert (own.held_out, own.train_examples, own.dataset) == (5000, 6000, "mnist")
    assert own.recipe.width > 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"teacher": "teacher"}, "teacher is 'teacher' and temperature 0, expected both"),
        ({"temperature": 4.0}, "teacher is None and temperature 4, expected both"),
        ({"clean_epochs": 26}, "clean_epochs is 26, expected no more than epochs, 25"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields, message):
    with pytest.raises(RecipeError, match=message):
        vary(Config(), **fields)
