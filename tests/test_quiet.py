"""A measurement was quiet if others left its cores to it, whatever it did with them itself."""

import os

import pytest

from experiments.workshop.benchmark import quiet
from experiments.workshop.benchmark.quiet import busy_seconds, measure_calls, share_out, take_turns

TICK = 1 / os.sysconf("SC_CLK_TCK")
STATISTICS = """\
cpu  999 999 999 999 999 999 999 999 999 999
cpu0 100 20 3 5000 700 4 50 6 8 9
cpu1 1000 0 0 5000 0 0 0 2 0 0
cpu10 7 0 0 0 0 0 0 0 0 0
intr 192068 0
"""


def test_ticks_are_added_up_but_for_idle_iowait_and_guests():
    assert busy_seconds(STATISTICS, [0]) == 183 * TICK
    assert busy_seconds(STATISTICS, [0, 1]) == 1185 * TICK


@pytest.mark.parametrize(
    ("own", "busy", "left", "used"),
    [
        (4.0, 4.0, 1.0, 1.0),  # two cores for two seconds, all of it ours
        (2.0, 2.0, 1.0, 0.5),  # one of them idle by our own fault
        (3.0, 4.0, 0.75, 0.75),  # others computed for a second
        (2.0, 3.0, 0.75, 0.5),  # the same beside cores that were idle
        (4.1, 4.0, 1.0, 1.025),  # ticks are coarse
    ],
)
def test_what_counts_is_what_others_took(own, busy, left, used):
    shares = share_out((10.0, 1.0, 5.0), (12.0, 1.0 + own, 5.0 + busy), 2)
    assert shares == pytest.approx({"seconds": 2.0, "left": left, "used": used})


@pytest.mark.skipif(not quiet.KERNEL_STATISTICS.exists(), reason="only Linux tells")
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
