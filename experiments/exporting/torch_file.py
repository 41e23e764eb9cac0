"""PyTorch: the state_dict of the original system, as torch.save writes it."""

from pathlib import Path

import torch

from mnist_sum.files.torch import from_torch, to_torch
from mnist_sum.learning.network import Network
from mnist_sum.recipe import Recipe


def write(network: Network, path: Path, steps: int) -> None:
    """Write the state_dict after so many steps; raises OSError, or WeightsError."""
    state_dict = to_torch(network.variables, steps)
    with path.open("wb") as file:
        torch.save({name: torch.from_numpy(x) for name, x in state_dict.items()}, file)


def read(path: Path, recipe: Recipe) -> Network:
    """Load the file."""
    variables, _ = from_torch(torch.load(path, map_location="cpu", weights_only=True))
    return Network(recipe, variables)
