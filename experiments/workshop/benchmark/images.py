"""The images that both sides train on."""

import numpy as np

from experiments.workshop.benchmark.worker import Figures
from mnist_sum.data import Dataset, Splits, load


def load_images(job: Figures) -> Splits:
    """Load the data set of a job, its training images repeated to as many as the job says."""
    train, test = load(job["config"]["dataset"], *job["folders"])
    return Splits(repeat(train, job["examples"]) if job["examples"] else train, test)


def repeat(dataset: Dataset, examples: int) -> Dataset:
    """Repeat a data set until it has so many examples."""
    rows = np.arange(examples) % len(dataset.digit)
    return Dataset(*(column[rows] for column in dataset))
