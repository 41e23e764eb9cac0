"""The images that a run trains on and is tested on."""

from experiments.configs import Config
from experiments.system.arguments import ConfigOptions
from mnist_sum.data import Dataset, Splits, load
from mnist_sum.errors import RecipeError
from mnist_sum.learning.epoch import count_steps


def load_splits(options: ConfigOptions) -> Splits:
    """Load the config's data set, cut down to its number of training examples."""
    config = options.config
    splits = load(config.dataset, options.data.data_dir, options.data.manual_dir)
    train = Dataset(*(x[: config.train_examples] for x in splits.train))
    splits = hold_out(config, train, splits.test)
    count_steps(config.recipe, len(splits.train.digit))  # raises for a last batch of one image
    return splits


def hold_out(config: Config, train: Dataset, test: Dataset) -> Splits:
    """Put the last images to train on in the place of the test images, if the config asks so."""
    if config.held_out == 0:
        return Splits(train, test)
    rest = len(train.digit) - config.held_out
    if rest < 2:
        raise RecipeError(
            f"held_out is {config.held_out} and must leave 2 of {len(train.digit)} images."
        )
    return Splits(Dataset(*(x[:rest] for x in train)), Dataset(*(x[rest:] for x in train)))
