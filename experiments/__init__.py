"""The outside of mnist_sum: commands, files, clock and screen."""
