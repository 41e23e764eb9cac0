"""A trained network: its weights, and the recipe that says how they are put to use."""

from typing import Any

from flax import struct

from mnist_sum.errors import InputError, describe
from mnist_sum.learning.model import MnistSum, make_model
from mnist_sum.recipe import Recipe


class Network(struct.PyTreeNode):
    """What `predict` and `evaluate` take: weights, and the recipe that they were trained by.

    `variables` holds "params" and "batch_stats" as `MnistSum` takes them: those of a TrainState.
    The recipe is static: a jitted function that is given a network is compiled for it.
    """

    recipe: Recipe = struct.field(pytree_node=False)
    variables: dict[str, dict]

    @property
    def model(self) -> MnistSum:
        """The linen module that the weights are of."""
        return make_model(self.recipe)


def check_network(network: Any) -> None:
    """Raise InputError unless it is a Network."""
    if not isinstance(network, Network):
        raise InputError(
            f"network is {describe(network)}, expected a Network: make one of a state by "
            "Network(recipe, state.variables)."
        )
