"""Several seeds at once: how they share a processor."""

import os

import pytest

from experiments.training import seeds
from experiments.training.seeds import is_for_processor, share_cores


@pytest.fixture
def five_cores(monkeypatch):
    """Let this process have five cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 6, 7}, raising=False)


@pytest.mark.parametrize(
    ("count", "shares"),
    [(2, [{0, 2, 7}, {1, 6}]), (9, [{0}, {1}, {2}, {6}, {7}])],
)
def test_each_seed_has_cores_of_its_own(five_cores, count, shares):
    assert share_cores(count, "cpu") == shares


def test_a_gpu_trains_one_seed_at_a_time_with_all_cores(five_cores):
    assert share_cores(9, "gpu") == [{0, 1, 2, 6, 7}]


def test_where_cores_cannot_be_chosen_one_seed_is_trained_at_a_time(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert share_cores(9, "cpu") == [set()]


@pytest.mark.parametrize(("platform", "answer"), [("cpu", True), ("gpu", False)])
def test_another_process_finds_out_what_there_is_to_compute_on(monkeypatch, platform, answer):
    monkeypatch.setattr(seeds, "FIND_PLATFORM", f"print({platform!r})")
    assert is_for_processor("auto") is answer


def test_jax_names_the_platform():
    assert is_for_processor("auto")  # tests run on a processor
