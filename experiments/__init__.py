"""The outside of mnist_sum: commands, files, clock and screen."""

import sys

from experiments.system.interruption import end_at_once_if_interrupted

if sys.argv[0] == "-m":  # a command is starting; whoever imports this has another name there
    end_at_once_if_interrupted()
