"""The tests of mnist_sum and of the experiments."""
