"""The state of training: what a step takes and gives back."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, Key

from mnist_sum.config import Config
from mnist_sum.model import MnistSum


class TrainState(struct.PyTreeNode):
    """Everything that training changes, and the recipe by which it does."""

    step: Int[Array, ""]
    params: dict
    batch_stats: dict
    opt_state: optax.OptState
    config: Config = struct.field(pytree_node=False)

    @property
    def variables(self) -> dict[str, dict]:
        """What the model is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


@partial(jax.jit, static_argnames="config")
def create_state(config: Config, key: Key[Array, ""]) -> TrainState:
    """Draw initial weights."""
    image = jnp.zeros((2, 28, 28), jnp.uint8)
    number = jnp.zeros(2, jnp.int32)
    variables = MnistSum().init(key, image, number, train=False)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer(config).init(variables["params"]),
        config=config,
    )


def optimizer(config: Config) -> optax.GradientTransformation:
    """Make the optimizer of a recipe."""
    return optax.sgd(config.learning_rate, config.momentum)
