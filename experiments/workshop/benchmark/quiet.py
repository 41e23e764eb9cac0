"""Whether a measurement had its processor to itself.

What counts is the time that others took from the cores it may use: the time that these were busy,
as the kernel counts it in /proc/stat, less what the measured process used of it, and the time that
a hypervisor gave to other machines (steal). How much the process itself used says nothing of that:
threads that wait for each other may sleep, which leaves a core idle by the process's own fault, or
spin, which keeps one busy for nothing. So both are reported, and only the first decides.
"""

import os
import resource
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

QUIET = 0.9  # of its cores' time, which a measurement must have been left

KERNEL_STATISTICS = Path("/proc/stat")  # counts ticks, mostly of 10 ms: measure for a second
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Reading(NamedTuple):
    """Seconds that have passed, that this process has computed, and that its cores have worked."""

    clock: float
    own: float
    busy: float
    stolen: float


class Usage(NamedTuple):
    """How long something took, and the shares of its cores' time that it was left, and used."""

    seconds: float
    left: float
    used: float


def is_known() -> bool:
    """Say whether this system tells what a measurement needs to know."""
    return KERNEL_STATISTICS.exists()


def own_cores() -> list[int]:
    """List the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def read(cores: Collection[int]) -> Reading:
    """Read the clocks of this process, all its threads included, and of the given cores."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    busy, stolen = core_seconds(KERNEL_STATISTICS.read_text(), cores)
    return Reading(time.perf_counter(), used.ru_utime + used.ru_stime, busy, stolen)


def core_seconds(statistics: str, cores: Collection[int]) -> tuple[float, float]:
    """Add up, from the text of /proc/stat, how long cores were busy, and how long taken away."""
    rows = (line.split() for line in statistics.splitlines())
    times = {name: list(map(int, values)) for name, *values in rows if name.startswith("cpu")}
    busy = stolen = 0
    for core in cores:
        user, nice, system, _idle, _iowait, irq, softirq, steal, *_guests = times[f"cpu{core}"]
        busy += user + nice + system + irq + softirq
        stolen += steal
    return busy / TICKS_PER_SECOND, stolen / TICKS_PER_SECOND


def usage(before: Reading, after: Reading, cores: Sequence[int]) -> Usage:
    """Share out the time between two readings among this process and others."""
    clock, own, busy, stolen = (b - a for a, b in zip(before, after, strict=True))
    whole = clock * len(cores)
    others = max(busy - own, 0.0) + stolen
    return Usage(clock, max(1 - others / whole, 0.0), own / whole)
