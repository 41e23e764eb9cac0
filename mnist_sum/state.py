"""The state of training: what a step takes and gives back."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, Key

from mnist_sum.config import Config, ConfigError
from mnist_sum.model import make_model


class TrainState(struct.PyTreeNode):
    """Everything that training changes, and the recipe by which it does.

    A schedule is laid over `total_steps`, those of the whole run.
    """

    step: Int[Array, ""]
    params: dict
    batch_stats: dict
    opt_state: optax.OptState
    config: Config = struct.field(pytree_node=False)
    total_steps: int | None = struct.field(pytree_node=False, default=None)

    @property
    def variables(self) -> dict[str, dict]:
        """What the model is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


@partial(jax.jit, static_argnames=("config", "total_steps"))
def create_state(config: Config, key: Key[Array, ""], total_steps: int | None = None) -> TrainState:
    """Draw initial weights; raises ConfigError if a schedule lacks `total_steps`."""
    image = jnp.zeros((2, 28, 28), jnp.uint8)
    number = jnp.zeros(2, jnp.int32)
    variables = make_model(config).init(key, image, number, train=False)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer(config, total_steps).init(variables["params"]),
        config=config,
        total_steps=total_steps,
    )


def optimizer(config: Config, total_steps: int | None = None) -> optax.GradientTransformation:
    """Make the optimizer of a recipe; raises ConfigError if a schedule lacks `total_steps`."""
    sgd = optax.sgd(learning_rate(config, total_steps), config.momentum, config.nesterov)
    if config.weight_decay == 0:
        return sgd
    return optax.chain(optax.add_decayed_weights(config.weight_decay, mask=are_kernels), sgd)


def learning_rate(config: Config, total_steps: int | None) -> optax.ScalarOrSchedule:
    """Make the learning rate: a number, or a function of the step."""
    if config.schedule == "constant":
        return config.learning_rate
    if total_steps is None:
        raise ConfigError(f"schedule is {config.schedule!r} and needs the total_steps of the run.")
    return optax.cosine_onecycle_schedule(total_steps, config.learning_rate, config.warmup)


def are_kernels(params: dict) -> dict:
    """Tell kernels from biases and the scales of batch norm, which have a single axis."""
    return jax.tree.map(lambda x: x.ndim > 1, params)
