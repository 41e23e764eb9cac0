"""A turn has its cores and images, and was quiet if others left it the cores."""

import os
import signal
import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from experiments.configs import Config, vary
from experiments.system.device import own_cores
from experiments.workshop.benchmark.turn import (
    Job,
    ask,
    measure_calls,
    read_clocks,
    share_left,
    take_turns,
)
from mnist_sum.data import load
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code

CORES = own_cores()
ECHO = """
import os, signal, time
from pathlib import Path
from experiments.workshop.benchmark.turn import answer
from mnist_sum.errors import DataError

def measure(job):
    if job.way == "cannot":
        raise DataError("There is no paper.")
    if job.way == "fail":
        raise KeyError(job.way)
    if job.way == "interrupt":
        Path(job.folder, "pid").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(600)
    print("A library prints something.")
    return {"cores": list(os.sched_getaffinity(0)), "way": job.way}

answer(measure)
"""


def job_of(folder, way="", **fields):
    return Job(vary(Config(), **fields), load("sample"), str(folder), CORES[:1], "cpu", way=way)


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """Make a module whose process answers with its cores and the way of its job."""
    (tmp_path / "echo.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return lambda way: ask("echo", job_of(tmp_path, way))


@pytest.mark.skipif(not CORES, reason="only Linux tells")
def test_a_process_answers_or_says_why_not_and_ends_with_the_bench(echo, tmp_path, capfd):
    assert echo("a") == {"cores": CORES[:1], "way": "a"}
    assert sorted(os.sched_getaffinity(0)) == CORES
    with pytest.raises(UsageError, match=r"^There is no paper\.$"):
        echo("cannot")
    with pytest.raises(UsageError, match=r"^The process of echo has failed; what it printed is"):
        echo("fail")
    assert "KeyError: 'fail'" in capfd.readouterr().err
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    assert exit_code(lambda: echo("interrupt")) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_images_are_repeated_to_as_many_as_a_call_has_on_a_platform(tmp_path):
    splits, job = load("sample"), job_of(tmp_path, batch_size=102)
    train, test = job.load_images("cpu")
    assert len(train.number) == 4080
    np.testing.assert_array_equal(train.image[4000:], splits.train.image[:80])
    np.testing.assert_array_equal(test.digit, splits.test.digit)
    assert len(job.load_images("gpu").train.number) == 102 * 588
    assert len(job._replace(to_the_end=True).load_images("gpu").train.number) == 4000


@pytest.mark.skipif(not CORES, reason="only Linux tells")
def test_a_core_is_busy_for_whoever_computes_on_it_but_not_while_it_waits(monkeypatch):
    kinds = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest")
    times = [SimpleNamespace(**dict(zip(kinds, map(float, range(9)), strict=True)))] * 2
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: times)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1})
    assert read_clocks()[2] == 0 + 1 + 2 + 5 + 6 + 7


@pytest.mark.parametrize(
    ("own", "busy", "left"),
    [
        (4.0, 4.0, 1.0),  # two cores for two seconds, all of it ours
        (2.0, 2.0, 1.0),  # one of them idle by our own fault
        (3.0, 4.0, 0.75),  # others computed for a second
        (2.0, 3.0, 0.75),  # the same beside cores that were idle
        (4.1, 4.0, 1.0),  # ticks are coarse
    ],
)
def test_what_counts_is_what_others_took(own, busy, left):
    assert share_left(2.0, own, busy, 2) == left


@pytest.mark.skipif(not CORES, reason="only Linux tells")
def test_calls_are_measured_after_one_that_compiles_until_number_and_time_are_reached():
    called = []
    figures = measure_calls(called.append, 7, calls=3)
    assert called == [0, 1, 2, 3]
    assert figures["images_per_second"] == 21 / figures["seconds"]
    assert measure_calls(called.append, 1, seconds=0.05)["seconds"] >= 0.05


@pytest.mark.parametrize(
    ("rounds", "left", "order", "of_b"),
    [
        (3, [1.0] * 6, "abbaab", [1.0] * 3),  # the order changes with every round
        (2, [1.0, 0.89, 0.5, 0.9, 1.0, 1.0], "abbbba", [0.9, 1.0]),  # what is disturbed is repeated
        (2, [0.5] * 8, "aaaaabba", [0.5, 0.5]),  # at most four times here, as there are four turns
    ],
)
def test_turns(rounds, left, order, of_b):
    log, shares = [], iter(left)

    def side(name):
        return lambda: log.append(name) or {"left": next(shares)}

    turns = take_turns({name: side(name) for name in "ab"}, rounds)
    assert "".join(log) == order
    assert [figures["left"] for figures in turns["b"]] == of_b
