"""A process has its cores and images, answers in figures, and ends with the bench."""

import os
import sys

import numpy as np
import pytest

from experiments.workshop.benchmark.process import ask, keep_images, load_images
from mnist_sum.data import load
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code

ECHO = """
import os, signal, time
from pathlib import Path
from experiments.workshop.benchmark.process import answer
from mnist_sum.errors import DataError

def measure(job):
    if "cannot" in job:
        raise DataError(job["cannot"])
    if "interrupt" in job:
        Path(job["interrupt"]).write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(600)
    print("A library prints something.")
    return {"cores": list(os.sched_getaffinity(0)), "word": job["word"]}

answer(measure)
"""


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """Make a module whose process answers with its cores and the word of its job."""
    (tmp_path / "echo.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return lambda **job: ask("echo", [min(os.sched_getaffinity(0))], {"folder": "/"} | job)


def test_a_process_answers_or_says_why_not(echo, capfd):
    cores = os.sched_getaffinity(0)
    assert echo(word="a") == {"cores": [min(cores)], "word": "a"}
    assert os.sched_getaffinity(0) == cores
    with pytest.raises(UsageError, match=r"^There is no paper\.$"):
        echo(cannot="There is no paper.")
    with pytest.raises(UsageError, match=r"^The process of echo has failed; what it printed is"):
        echo()
    assert "KeyError: 'word'" in capfd.readouterr().err


def test_it_ends_when_the_bench_is_interrupted(echo, tmp_path):
    assert exit_code(lambda: echo(interrupt=str(tmp_path / "pid"))) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_images_are_repeated_to_as_many_as_the_job_has_on_a_platform(tmp_path):
    splits = load("sample")
    keep_images(splits, str(tmp_path))
    job = {"folder": str(tmp_path), "images": {"cpu": 4100}}
    train, test = load_images(job, "cpu")
    np.testing.assert_array_equal(train.image[4000:], splits.train.image[:100])
    np.testing.assert_array_equal(test.digit, splits.test.digit)
    assert len(load_images(job, "gpu").train.number) == 4000
