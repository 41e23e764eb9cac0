"""Processes measure one at a time, on the cores that they are given, until it is quiet."""

import os

import pytest

from experiments.workshop.benchmark.turns import take_turns, worker
from experiments.workshop.benchmark.worker import UnavailableError
from mnist_sum.errors import UsageError

ECHO = "tests.echo_worker"


def test_a_process_has_its_cores_and_answers():
    cores = os.sched_getaffinity(0)
    with worker(ECHO, [max(cores)], {"lacks": ""}) as (facts, ask):
        assert facts["cores"] == [max(cores)]
        assert os.sched_getaffinity(0) == cores
        assert [ask({"do": "echo", "word": word})["word"] for word in "ab"] == ["a", "b"]
        assert ask({"do": "echo", "word": ""}).keys() == {"seconds", "left", "used", "word"}


def test_what_the_machine_lacks_is_said():
    cores = os.sched_getaffinity(0)
    with pytest.raises(UnavailableError, match="it"), worker(ECHO, cores, {"lacks": "it"}):
        pass


def test_a_process_that_fails_is_an_error(capfd):
    with worker(ECHO, os.sched_getaffinity(0), {"lacks": ""}) as (_, ask):
        with pytest.raises(UsageError, match="echo_worker has failed"):
            ask({"do": "nothing"})
        with pytest.raises(UsageError, match="echo_worker has failed"):
            ask({"do": "echo", "word": "too late"})
    assert "KeyError: 'nothing'" in capfd.readouterr().err


def sides(left):
    """Make sides a and b that note their turns, and are left the given shares in this order."""
    log, shares = [], iter(left)

    def side(name):
        def ask(request):
            log.append(name)
            return {"left": next(shares), "turn": len(log)}

        return ask

    return log, {name: side(name) for name in "ab"}


def test_turns_change_their_order_with_every_round():
    log, asks = sides([1.0] * 6)
    turns = take_turns(asks, {}, 3)
    assert "".join(log) == "abbaab"
    assert [figures["turn"] for figures in turns["a"]] == [1, 4, 5]


def test_a_disturbed_turn_is_repeated():
    log, asks = sides([1.0, 0.89, 0.5, 0.9, 1.0, 1.0])
    turns = take_turns(asks, {}, 2)
    assert "".join(log) == "abbbba"
    assert [figures["left"] for figures in turns["b"]] == [0.9, 1.0]


def test_a_machine_that_does_not_get_quiet_is_given_up():
    """No more turns are repeated than there are: four here."""
    log, asks = sides([0.5] * 8)
    turns = take_turns(asks, {}, 2)
    assert len(log) == 8
    assert [figures["left"] for figures in turns["a"] + turns["b"]] == [0.5] * 4
