"""The network that comes with the package, and its card."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.configs import best
from mnist_sum.data import load
from mnist_sum.files.weights import PRETRAINED, load_pretrained, read_weights
from mnist_sum.learning.predict import predict

CARD = PRETRAINED.with_name("README.md").read_text(encoding="utf-8")
SUMMARY = Path(__file__).parents[1] / "experiments" / "results" / "best" / "summary.json"


@pytest.fixture(scope="module")
def noted():
    return read_weights(PRETRAINED)[1]


def test_it_is_of_best_and_of_the_first_seed(noted):
    assert load_pretrained().recipe == best().recipe
    assert noted["provenance"]["command"] == "python -m experiments.run --config best --seed 1000"
    assert noted["provenance"]["command"] in CARD
    assert noted["provenance"]["epochs"] == best().epochs
    assert noted["version"] == "0.3.0"


def test_the_card_says_what_the_metadata_says(noted):
    test, steps = noted["provenance"]["test"], noted["provenance"]["steps"]
    figures = [f"{100 * test[name]:.2f}" for name in ("digit_accuracy", "sum_accuracy")]
    assert f"| this network, seed 1000 | {' | '.join(figures)} |" in CARD
    assert f"({steps:,} steps" in CARD


def test_the_card_says_what_all_seeds_reach():
    test = json.loads(SUMMARY.read_text(encoding="utf-8"))["test"]["last_epoch"]
    spreads = [
        f"{100 * test[name]['mean']:.2f} ± {100 * test[name]['std']:.2f}"
        for name in ("digit_accuracy", "sum_accuracy")
    ]
    assert f"standard deviation | {' | '.join(spreads)} |" in CARD


def test_it_reads_the_test_images_of_the_sample():
    test = load("sample").test
    answer = predict(load_pretrained(), test.image, test.number)
    assert np.mean(np.asarray(answer.digit) == test.digit) > 0.99
    assert np.mean(np.asarray(answer.sum) == test.digit + test.number) > 0.99
