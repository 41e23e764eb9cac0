"""Ctrl-C while a command imports its libraries, which takes seconds.

It imports nothing but what is there at once, and is called before the other imports.
"""

import os
import signal
from contextlib import suppress
from types import FrameType


def end_on_ctrl_c() -> None:
    """Have Ctrl-C end this process at once, unless it is ignored.

    Libraries that are being imported lose KeyboardInterrupt, or print hundreds of lines about it.
    """

    def end(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            os.write(2, b"\nInterrupted.\n")
        os._exit(128 + number)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)
