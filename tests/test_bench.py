"""The benchmark: it measures what it says, in the form it promises; how fast is not a test."""

import json

import jax
import numpy as np
import pytest

from experiments import bench
from experiments.bench import BenchOptions, main, measure_full_run, repeat, run
from experiments.configs import Config
from mnist_sum.data import load
from tests.tiny import EXAMPLES, RECIPE


@pytest.fixture(autouse=True)
def few_images_and_seeds(monkeypatch):
    """Measure on little."""
    monkeypatch.setattr(bench, "EXAMPLES", EXAMPLES)
    monkeypatch.setattr(bench, "SEEDS", 2)


def figures_of(options, capsys):
    run("sample", options)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_data_set_is_repeated():
    train, _ = load("sample")
    repeated = repeat(train, 4100)
    assert len(repeated.image) == 4100
    np.testing.assert_array_equal(repeated.digit[4000:], train.digit[:100])


@pytest.mark.parity
def test_the_last_line_is_one_object(capsys):
    figures = figures_of(
        BenchOptions(config=Config(RECIPE, "sample"), rounds=2, steps=2, torch=False, json=True),
        capsys,
    )
    for name in ("ours_examples_per_second", "compile_seconds", "load_seconds"):
        assert figures[name] > 0
    assert "ratio" not in figures


@pytest.mark.parity
def test_both_are_measured_in_turns(capsys):
    pytest.importorskip("torch")
    figures = figures_of(
        BenchOptions(config=Config(RECIPE, "sample"), rounds=3, steps=2, json=True), capsys
    )
    assert figures["torch_examples_per_second"] > 0
    assert figures["ratio_least"] <= figures["ratio"] <= figures["ratio_most"]


@pytest.mark.parity
def test_several_seeds_are_measured_at_once():
    figures = measure_full_run(
        Config(RECIPE, "sample", epochs=2), jax.device_put(repeat(load("sample").train, EXAMPLES))
    )
    assert min(figures.values()) > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--rounds 0 --steps 2", "--rounds is 0 and must be at least 1."),
        ("--steps 0", "--steps is 0 and must be 1 .. 3,"),
        ("--steps 4", "--steps is 4 and must be 1 .. 3,"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(line, message, capsys):
    assert main(["--config", "sample", "--batch-size", "16", *line.split()]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
