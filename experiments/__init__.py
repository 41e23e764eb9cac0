"""The outside of mnist_sum: commands, files, clock and screen."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType


def end_on_ctrl_c() -> None:
    """Have Ctrl-C end this process at once, unless it is ignored.

    KeyboardInterrupt is lost in many a library that is being imported, and makes a traceback of
    hundreds of lines in the others.
    """

    def end(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            os.write(2, b"\nInterrupted.\n")
        os._exit(128 + number)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)


if sys.argv[:1] == ["-m"]:  # as long as Python looks for a command, whose imports take seconds
    end_on_ctrl_c()
