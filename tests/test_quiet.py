"""A measurement was quiet if others left its cores to it, whatever it did with them itself."""

import os

import pytest

from experiments.workshop.benchmark import quiet
from experiments.workshop.benchmark.quiet import Reading, Usage, core_seconds, usage

TICK = 1 / os.sysconf("SC_CLK_TCK")
STATISTICS = """\
cpu  999 999 999 999 999 999 999 999 999 999
cpu0 100 20 3 5000 700 4 50 6 8 9
cpu1 1000 0 0 5000 0 0 0 2 0 0
cpu10 7 0 0 0 0 0 0 0 0 0
intr 192068 0
"""


def test_the_kernels_ticks_are_added_up_over_the_cores():
    """Guests are counted among user and nice already; idle and iowait are not work."""
    assert core_seconds(STATISTICS, [0]) == (177 * TICK, 6 * TICK)
    assert core_seconds(STATISTICS, [0, 1]) == (1177 * TICK, 8 * TICK)


@pytest.mark.parametrize(
    ("own", "busy", "stolen", "left", "used"),
    [
        (4.0, 4.0, 0.0, 1.0, 1.0),  # two cores for two seconds, all of it ours
        (2.0, 2.0, 0.0, 1.0, 0.5),  # one of them idle by our own fault
        (3.0, 4.0, 0.0, 0.75, 0.75),  # others computed for a second
        (2.0, 3.0, 0.0, 0.75, 0.5),  # the same beside cores that were idle
        (3.0, 3.0, 1.0, 0.75, 0.75),  # another machine had it
        (4.1, 4.0, 0.0, 1.0, 1.025),  # ticks are coarse
        (0.0, 4.2, 0.0, 0.0, 0.0),
    ],
)
def test_what_counts_is_what_others_took(own, busy, stolen, left, used):
    before, after = Reading(10.0, 1.0, 5.0, 0.5), Reading(12.0, 1.0 + own, 5.0 + busy, 0.5 + stolen)
    assert usage(before, after, [0, 1]) == pytest.approx(Usage(2.0, left, used))


def test_this_system_can_be_read():
    if not quiet.is_known():
        pytest.skip("only Linux says what each core does")
    cores = quiet.own_cores()
    before = quiet.read(cores)
    sum(range(10**6))
    after = quiet.read(cores)
    assert after.own > before.own
    assert all(b >= a for a, b in zip(before, after, strict=True))
