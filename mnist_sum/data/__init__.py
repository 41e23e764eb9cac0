"""MNIST, or the embedded sample of it, as numpy arrays on the host."""

from mnist_sum.data.dataset import Dataset, Splits, load

__all__ = ["Dataset", "Splits", "load"]
