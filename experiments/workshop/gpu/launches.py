"""Compile every entry point for an H100 without one, and count what it launches: make gpu-compile.

Needs the extra 'cuda13' and Python 3.12 or newer. Nothing runs: these are kernels, not times.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import ShapeDtypeStruct
from jax.sharding import Mesh
from jax.stages import Lowered

from experiments.configs import named_config
from experiments.system.device import launch_whole_calls
from experiments.workshop.gpu.target import Launches, count_launches, h100, place, prepare
from mnist_sum.data import Dataset
from mnist_sum.learning.evaluate import _evaluate
from mnist_sum.learning.many import begin_epochs, create_states, train_many_steps, zero_tallies
from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import _predict
from mnist_sum.learning.sharding import data_mesh
from mnist_sum.learning.state import create_state
from mnist_sum.learning.train import begin_epoch, train_steps, zero_tally
from mnist_sum.recipe import Recipe

TRAIN, TEST, SEEDS = 60_000, 10_000, 16


def images(count: int) -> Dataset:
    """Give the shapes of so many images, their digits and their numbers."""
    column = jnp.zeros(1, jnp.int32)
    one = Dataset(jnp.zeros((1, 28, 28), jnp.uint8), column, column)
    return jax.tree.map(lambda x: ShapeDtypeStruct((count, *x.shape[1:]), x.dtype), one)


def network(recipe: Recipe) -> Network:
    """Give the shapes of a network."""
    state = jax.eval_shape(partial(create_state, recipe, total_steps=1), jax.random.key(0))
    return Network(recipe, state.variables)


def training(config: str, mesh: Mesh) -> Lowered:
    """Write out a call of train_steps on an epoch of MNIST."""
    recipe, key = named_config(config).recipe, jax.random.key(0)
    (device,) = mesh.devices
    state = jax.eval_shape(partial(create_state, recipe, total_steps=1), key)
    epoch = jax.eval_shape(partial(begin_epoch, examples=TRAIN), key)
    bounds = (ShapeDtypeStruct((), jnp.int32),) * 2
    arguments = place((state, zero_tally(), images(TRAIN), epoch, bounds), device)
    return train_steps.lower(recipe, *arguments, mesh)


def many_seeds(mesh: Mesh) -> Lowered:
    """Write out a call of train_many_steps on an epoch of `fast`, without a short last batch."""
    recipe, examples = named_config("fast").recipe, TRAIN - TRAIN % 64
    (device,) = mesh.devices
    keys = jax.random.split(jax.random.key(0), SEEDS)
    states = jax.eval_shape(partial(create_states, recipe, total_steps=1), keys)
    epochs = jax.eval_shape(partial(begin_epochs, examples=examples), keys)
    bounds = (ShapeDtypeStruct((), jnp.int32),) * 2
    arguments = (states, zero_tallies(SEEDS), images(examples), epochs, bounds)
    return train_many_steps.lower(recipe, *place(arguments, device))


def evaluation(mesh: Mesh) -> Lowered:
    """Write out the evaluation of all test images."""
    (device,) = mesh.devices
    return _evaluate.lower(*place((network(Recipe()), images(TEST)), device), mesh)


def prediction(mesh: Mesh) -> Lowered:
    """Write out the prediction of 100 images."""
    (device,) = mesh.devices
    image, _, number = images(100)
    return _predict.lower(*place((network(Recipe()), image, number), device))


PROGRAMS: dict[str, tuple[Callable[[Mesh], Lowered], Launches]] = {
    "train_steps of base": (partial(training, "base"), Launches(151, 1, 0)),
    "train_steps of fast": (partial(training, "fast"), Launches(155, 1, 0)),
    "train_steps of best": (partial(training, "best"), Launches(155, 1, 0)),
    "train_many_steps, 16 seeds of fast": (many_seeds, Launches(204, 1, 0)),
    "evaluate": (evaluation, Launches(34, 4, 1)),
    "predict": (prediction, Launches(38, 1, 0)),
}
"""How each is written out, and the most that it may launch with JAX 0.11.2."""


def main(argv: Sequence[str]) -> int:
    """Compile the programs that are named, or all; returns 1 if one launches more than it may."""
    folder = prepare()
    if "--parts" in argv:  # as XLA launches by itself
        argv = [argument for argument in argv if argument != "--parts"]
    else:
        launch_whole_calls()
    mesh = data_mesh([h100()])
    print(
        f"JAX {jax.__version__}\n\n| program | kernels | launches | host loops |\n|---|---|---|---|"
    )
    exceeded = []
    for name, (write_out, limit) in PROGRAMS.items():
        if argv and not any(argument in name for argument in argv):
            continue
        found = count_launches(write_out(mesh), folder)
        print(f"| {name} | {found.kernels} | {found.calls} | {found.host_loops} |", flush=True)
        if any(count > most for count, most in zip(found, limit, strict=True)):
            exceeded.append(f"{name}: {found}, and may be {limit}")
    for line in exceeded:
        print(f"error: {line}", file=sys.stderr)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
