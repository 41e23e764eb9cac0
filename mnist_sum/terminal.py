"""How a command ends: its exit code, the one sentence of an error, and what signals do."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any

from mnist_sum.errors import UserError

# Ctrl-C, a cluster that wants its machine back, and a terminal that has been closed.
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command, print its error if the user can mend it, and return its exit code.

    2 after such an error; 128 + N if signal N, Ctrl-C for instance, interrupted the command, in
    which it raises KeyboardInterrupt, whose notes are printed; 141 if nobody reads its output any
    more. Characters that the terminal lacks are escaped. Works in any thread.
    """
    if sys.stdout is None:  # closed
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's cannot be, and need not
            stream.reconfigure(errors="backslashreplace")
    try:
        with stopping_on_signals():
            try:
                return command() or 0
            finally:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to print
        return 128 + 13  # SIGPIPE, which not every system has
    except SystemExit as stop:  # of a parser, which has printed what it wants to say
        return int(stop.code or 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        with suppress(OSError):  # a terminal that has been closed takes no more lines
            print("", *getattr(stop, "__notes__", ["Interrupted."]), sep="\n", file=sys.stderr)
        return 128 + next(iter(stop.args), signal.SIGINT)


@contextmanager
def handling_signals(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Have a function handle Ctrl-C, SIGTERM and SIGHUP, except those that are ignored.

    Python allows that in the main thread only; in others nothing changes.
    """
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    stack.callback(signal.signal, number, signal.signal(number, handler))
        yield


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt, with the number of the signal, when one of these comes.

    One that falls into a callback, JAX has one for each garbage collection, is sent again: Python
    prints what such a callback raises, and goes on.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    def show(lost: "sys.UnraisableHookArgs") -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt) and lost.exc_value.args:
            again = os.getpid(), lost.exc_value.args[0]
            threading.Timer(0.1, os.kill, again).start()
        else:
            hook(lost)

    hook = sys.unraisablehook
    sys.unraisablehook = show
    try:
        with handling_signals(stop):
            yield
    finally:
        sys.unraisablehook = hook


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put signals off until the end of this block, which is short and better done whole."""
    received: list[int] = []
    with handling_signals(lambda number, frame: received.append(number)):
        yield
    if received:
        signal.raise_signal(received[0])
