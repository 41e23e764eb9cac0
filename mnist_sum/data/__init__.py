"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

from mnist_sum.data.dataset import Dataset, Splits, load
from mnist_sum.errors import DataError

__all__ = ["DataError", "Dataset", "Splits", "load"]
