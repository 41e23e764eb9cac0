"""Ctrl-C and SIGTERM: a run drops the epoch it is in, keeps the ones before, and says so.

This module is imported before all others, and only imports what is there at once.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SECONDS_UNTIL_AGAIN = 0.1


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a cluster sends before it takes the machine away."""


def end_at_once_if_interrupted() -> None:
    """Have Ctrl-C end this process, where it would raise KeyboardInterrupt.

    That is lost in many a library that is being imported, and a traceback of hundreds of lines in
    the others.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored
        signal.signal(signal.SIGINT, end_at_once)


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Say so and end, whatever there is left to do."""
    with suppress(OSError):
        os.write(2, b"\nInterrupted.\n")
    os._exit(128 + number)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt and SIGTERM Terminated inside of this block."""
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, terminate)}
    if signal.getsignal(signal.SIGINT) is end_at_once:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: (again if is_interrupt(lost) else hook)(lost)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def terminate(number: int, frame: FrameType | None) -> None:
    """Raise Terminated."""
    raise Terminated


def is_interrupt(lost: "sys.UnraisableHookArgs") -> bool:
    """Say whether a signal raised what Python ignores, as it does in callbacks."""
    return issubclass(lost.exc_type, KeyboardInterrupt)


def again(lost: "sys.UnraisableHookArgs") -> None:
    """Send the signal once more, or it would be lost: JAX has a callback for each collection."""
    number = signal.SIGTERM if issubclass(lost.exc_type, Terminated) else signal.SIGINT
    timer = threading.Timer(SECONDS_UNTIL_AGAIN, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


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
