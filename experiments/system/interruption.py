"""Ctrl-C and SIGTERM: a run drops the epoch it is in, keeps the ones before, and says so."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a cluster sends before it takes the machine away."""


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise Terminated inside of this block, as Ctrl-C raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def terminate(number: int, frame: FrameType | None) -> None:
    """Raise Terminated."""
    raise Terminated


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put both signals off until the end of this block: for what is short and better done whole."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [
        signal.signal(number, lambda number, frame: received.append(number)) for number in numbers
    ]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])
