"""Our side of the bench: training, evaluation, whole runs, and many seeds at once."""

import inspect
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh
from jaxtyping import Array, Key

from experiments.configs import Config, config_of
from experiments.system.device import choose_devices, device_name
from experiments.workshop.benchmark.images import load_images
from experiments.workshop.benchmark.worker import Figures, Prepared, serve
from mnist_sum.data import Dataset
from mnist_sum.errors import DataError, RecipeError, UsageError
from mnist_sum.learning.epoch import (
    Tally,
    begin_epoch,
    count_steps,
    train_epoch,
    train_steps,
    zero_tally,
)
from mnist_sum.learning.evaluate import evaluate
from mnist_sum.learning.loss import averages
from mnist_sum.learning.network import Network, renew_statistics
from mnist_sum.learning.sharding import data_mesh, replicate
from mnist_sum.learning.state import TrainState, create_state

Trainer = Callable[[int], None]


class Setting(NamedTuple):
    """What is trained, on which images, on which devices."""

    config: Config
    train: Dataset
    test: Dataset
    mesh: Mesh


def prepare(job: Figures) -> Prepared:
    """Put the images where it computes, compile, and take the first steps."""
    config = config_of(job["config"])
    start = time.perf_counter()
    train, test = load_images(job)
    load_seconds = time.perf_counter() - start
    devices = choose_devices(job["device"], batch_size=config.recipe.batch_size)
    if devices[0].platform == "gpu":
        del devices[1:]  # PyTorch's side has one card
    mesh = data_mesh(devices)
    setting = Setting(config, replicate(train, mesh), replicate(test, mesh), mesh)
    take_steps = make_trainer(setting)
    facts = {
        "device": device_name(devices[0]),
        "devices": len(devices),
        "platform": devices[0].platform,
        "jax": jax.__version__,
        "load_seconds": load_seconds,
        "compile_seconds": seconds(take_steps, 0),
        "first_step_seconds": seconds(take_steps, 1),
        "peak_memory_mib": peak_memory(devices[0]) / 2**20,
    }
    return Prepared(
        facts,
        {
            "train": partial(train_for, setting, take_steps),
            "evaluate": partial(time_evaluation, setting),
            "run": partial(time_run, setting),
            "seeds": partial(time_seeds, setting),
        },
    )


def start_state(setting: Setting, key: Key[Array, ""]) -> TrainState:
    """Draw initial weights for a whole run, where it computes."""
    config, train, _, mesh = setting
    steps = config.epochs * count_steps(config.recipe, len(train.digit))
    return replicate(create_state(config.recipe, key, steps), mesh)


def make_trainer(setting: Setting) -> Trainer:
    """Make a function that takes the first so many steps of an epoch, from where it has got to."""
    config, train, _, mesh = setting
    init_key, epoch_key = jax.random.split(jax.random.key(config.seed))
    state = start_state(setting, init_key)
    epoch = begin_epoch(epoch_key, len(train.digit))
    jax.block_until_ready((state, epoch))

    def take_steps(steps: int) -> None:
        nonlocal state
        state, tally = train_steps(
            config.recipe, state, zero_tally(), train, epoch, (0, steps), mesh
        )
        jax.block_until_ready(tally)

    return take_steps


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Time one call, to the end of what it computes."""
    start = time.perf_counter()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - start


def train_for(setting: Setting, take_steps: Trainer, steps: int, seconds: float) -> Figures:
    """Train on so many steps a call, until the time is up; says on how many images."""
    start, images = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        take_steps(steps)
        images += steps * setting.config.recipe.batch_size
    return {"images": images}


def time_evaluation(setting: Setting) -> Figures:
    """Time the evaluation of all test images with all ten numbers."""
    state = start_state(setting, jax.random.key(0))
    network = Network(setting.config.recipe, state.variables)
    first = seconds(evaluate, network, setting.test, setting.mesh)
    second = seconds(evaluate, network, setting.test, setting.mesh)
    return {
        "evaluation_compile_seconds": first - second,
        "evaluation_seconds": second,
        "evaluated_images_per_second": len(setting.test.digit) / second,
    }


def time_run(setting: Setting, seed: int) -> Figures:
    """Train all epochs from a new state, and say how long the steps took and what they reached."""
    config, train, test, mesh = setting
    init_key, epochs_key = jax.random.split(jax.random.key(seed))
    state = jax.block_until_ready(start_state(setting, init_key))
    start = time.perf_counter()
    for epoch in range(1, config.epochs + 1):
        key = jax.random.fold_in(epochs_key, epoch)
        state, _ = train_epoch(config.recipe, state, train, key, mesh)
    jax.block_until_ready(state)
    training_seconds = time.perf_counter() - start
    network = Network(config.recipe, state.variables)
    if config.renew_statistics:
        network = renew_statistics(network, train)
    tested = averages(evaluate(network, test, mesh))
    return {"seed": seed, "training_seconds": training_seconds} | tested


def time_seeds(setting: Setting, seeds: int, way: str) -> Figures:
    """Train so many seeds in one program, one after the other (`map`) or all at once (`vmap`)."""
    config, train, _, mesh = setting
    train = jax.device_put(train, mesh.devices[0])
    steps = count_steps(config.recipe, len(train.digit))
    one_program = inspect.unwrap(train_steps)  # compiled as a part of the program around it

    def train_one(pair: tuple[TrainState, Key[Array, ""]]) -> tuple[TrainState, Tally]:
        state, key = pair
        epoch = begin_epoch(key, len(train.digit))
        return one_program(config.recipe, state, zero_tally(), train, epoch, (0, steps))

    over_seeds = partial(jax.lax.map, train_one) if way == "map" else jax.vmap(train_one)
    train_all = jax.jit(over_seeds, donate_argnums=0)

    def run(epochs: int) -> float:
        keys = jax.random.split(jax.random.key(config.seed), seeds)
        states = jax.vmap(lambda key: create_state(config.recipe, key, config.epochs * steps))(keys)
        start = time.perf_counter()
        for epoch in range(epochs):
            epoch_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, epoch)
            states, _ = train_all((states, epoch_keys))
        jax.block_until_ready(states)
        return time.perf_counter() - start

    run(1)
    return {"seeds": seeds, "way": way, "training_seconds": run(config.epochs)}


def peak_memory(device: jax.Device) -> int:
    """Ask how many bytes the device, or on a processor this process, has needed at most."""
    statistics = device.memory_stats()  # a processor has none
    if statistics:
        return statistics["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    serve(prepare, UsageError, DataError, RecipeError)
