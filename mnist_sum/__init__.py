"""An image of a digit and a number in, the digit and their sum out: pure functions in JAX."""

from typing import TYPE_CHECKING, Any

from mnist_sum.data import Dataset, Splits, load
from mnist_sum.errors import DataError, InputError, RecipeError, UserError, WeightsError
from mnist_sum.files.weights import load_pretrained, load_run, load_weights, save_weights
from mnist_sum.learning.batch import Batch, draw_batch, take_batch
from mnist_sum.learning.evaluate import evaluate, predict_outputs
from mnist_sum.learning.loss import averages
from mnist_sum.learning.model import MnistSum, Outputs
from mnist_sum.learning.network import Network, renew_statistics
from mnist_sum.learning.predict import Prediction, Probabilities, predict, predict_probabilities
from mnist_sum.reading.image import read_image
from mnist_sum.recipe import Recipe

if TYPE_CHECKING:
    from mnist_sum.learning.epoch import count_steps, train_epoch
    from mnist_sum.learning.state import TrainState, create_state
    from mnist_sum.learning.step import train_step

__all__ = ["DataError", "InputError", "RecipeError", "UserError", "WeightsError"]
__all__ += ["Dataset", "Splits", "load"]
__all__ += ["Batch", "draw_batch", "take_batch"]
__all__ += ["MnistSum", "Network", "Outputs", "Recipe"]
__all__ += ["TrainState", "count_steps", "create_state", "train_epoch", "train_step"]
__all__ += ["averages", "evaluate", "predict_outputs", "renew_statistics"]
__all__ += ["Prediction", "Probabilities", "predict", "predict_probabilities", "read_image"]
__all__ += ["load_pretrained", "load_run", "load_weights", "save_weights"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import what trains when it is asked for: reading a picture need not wait for optax."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mnist_sum.learning import epoch, state, step

    return (vars(epoch) | vars(state) | vars(step))[name]
