"""The outside of mnist_sum: commands, files, clock and screen."""

import sys

if sys.argv[0] == "-m":  # so it is while Python looks for a command, whose imports take seconds
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()
