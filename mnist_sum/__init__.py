"""An image of a digit and a number in, the digit and their sum out: pure functions in JAX."""

from mnist_sum.check import InputError
from mnist_sum.config import Config, ConfigError
from mnist_sum.data import DataError, Dataset, Splits, load
from mnist_sum.evaluate import evaluate, predict_all
from mnist_sum.loss import averages
from mnist_sum.model import MnistSum, Outputs
from mnist_sum.predict import predict
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import train_epoch, train_step

__all__ = [
    "Config",
    "ConfigError",
    "DataError",
    "Dataset",
    "InputError",
    "MnistSum",
    "Outputs",
    "Splits",
    "TrainState",
    "averages",
    "create_state",
    "evaluate",
    "load",
    "predict",
    "predict_all",
    "train_epoch",
    "train_step",
]
