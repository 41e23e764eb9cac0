"""Turns on a processor, each repeated until it had its cores to itself.

What counts is the time that others took from the cores it may use: the time that these were busy,
as the kernel counts it in /proc/stat, or away with another machine (steal), less what the measured
process used of it. How much the process used by itself doesn't tell: threads that wait for each
other may sleep, which leaves a core idle by the process's own fault, or spin, which keeps one busy
for nothing. So both are reported, and only the first decides.
"""

import os
import resource
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
Reading = tuple[float, float, float]
"""Seconds on the clock, that this process has computed, and that its cores were busy."""

QUIET = 0.9  # of its cores' time, which a measurement must have been left
KERNEL_STATISTICS = Path("/proc/stat")  # counts ticks, mostly of 10 ms: measure for a second
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def take_turns(sides: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Have all sides measure, one after the other, every second round in reverse.

    A turn in which others took too much of its cores' time is repeated, but all of them together no
    more often than there are turns: a machine that does not get quiet is left with what it gave.
    """
    turns: dict[str, list[Figures]] = {side: [] for side in sides}
    to_repeat = rounds * len(sides)
    for number in range(rounds):
        for side in list(sides)[:: -1 if number % 2 else 1]:
            figures = sides[side]()
            while figures["left"] < QUIET and to_repeat:
                to_repeat -= 1
                figures = sides[side]()
            turns[side].append(figures)
    return turns


def measure_calls(
    call: Callable[[int], object], images: int, calls: int = 1, seconds: float = 0
) -> Figures:
    """Measure calls, each on so many images: at least so many calls, for at least so long.

    Each is given its number; call 0, which compiles, comes before.
    """
    start = time.perf_counter()
    call(0)
    cores = os.sched_getaffinity(0)
    before, done = read(cores), 0
    while done < calls or time.perf_counter() < before[0] + seconds:
        done += 1
        call(done)
    figures = share_out(before, read(cores), len(cores))
    figures["images_per_second"] = done * images / figures["seconds"]
    compile_seconds = max(before[0] - start - figures["seconds"] / done, 0.0)
    return figures | {"facts": {"compile_seconds": compile_seconds}}


def read(cores: Collection[int]) -> Reading:
    """Read the clocks of this process, all its threads included, and of the given cores."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    busy = busy_seconds(KERNEL_STATISTICS.read_text(), cores)
    return time.perf_counter(), used.ru_utime + used.ru_stime, busy


def busy_seconds(statistics: str, cores: Collection[int]) -> float:
    """Add up, from the text of /proc/stat, how long cores worked for anyone."""
    names = {f"cpu{core}" for core in cores}
    rows = (line.split() for line in statistics.splitlines())
    times = [list(map(int, ticks)) for name, *ticks in rows if name in names]
    # User, nice, system, not idle and iowait; irq, softirq, steal. Guests are among the users.
    return sum(sum(ticks[:3]) + sum(ticks[5:8]) for ticks in times) / TICKS_PER_SECOND


def share_out(before: Reading, after: Reading, cores: int) -> Figures:
    """Say how long it was between two readings, and the shares left to and used by the process."""
    clock, own, busy = (b - a for a, b in zip(before, after, strict=True))
    whole = clock * cores
    return {"seconds": clock, "left": 1 - max(busy - own, 0.0) / whole, "used": own / whole}
