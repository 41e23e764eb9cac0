"""An image of a digit and a number in, the digit and their sum out: pure functions in JAX."""

from mnist_sum.check import InputError
from mnist_sum.data import DataError, Dataset, Splits, load
from mnist_sum.evaluate import evaluate, predict_outputs
from mnist_sum.image import read_image
from mnist_sum.loss import averages
from mnist_sum.model import MnistSum, Outputs
from mnist_sum.network import Network
from mnist_sum.predict import Prediction, Probabilities, predict, predict_probabilities
from mnist_sum.recipe import Recipe, RecipeError
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import train_epoch, train_step
from mnist_sum.weights import WeightsError, load_pretrained, load_run, load_weights, save_weights

__all__ = [
    "DataError",
    "Dataset",
    "InputError",
    "MnistSum",
    "Network",
    "Outputs",
    "Prediction",
    "Probabilities",
    "Recipe",
    "RecipeError",
    "Splits",
    "TrainState",
    "WeightsError",
    "averages",
    "create_state",
    "evaluate",
    "load",
    "load_pretrained",
    "load_run",
    "load_weights",
    "predict",
    "predict_outputs",
    "predict_probabilities",
    "read_image",
    "save_weights",
    "train_epoch",
    "train_step",
]
