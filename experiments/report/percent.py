"""Accuracies in percent, with as many decimals as they bear."""

from math import floor, log10

MOST_DECIMALS = 2  # of an accuracy: with ten seeds of 10,000 test images, a third would be noise


def count_decimals(std: float, seeds: int) -> int:
    """Say how many decimals the mean of an accuracy over seeds bears, in percent.

    The last is the first that its standard error reaches; `std` is a fraction, as accuracies are.
    """
    if std == 0:
        return MOST_DECIMALS
    standard_error = 100 * std / seeds**0.5
    return min(max(-floor(log10(standard_error)), 0), MOST_DECIMALS)
