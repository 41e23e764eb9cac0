"""Measure speed, in turns with the same network in PyTorch: python -m experiments.bench."""

import dataclasses
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from experiments.configs import Config
from experiments.report.tables import text_table
from experiments.system.arguments import ConfigOptions, UsageError, exit_code, parse
from experiments.system.device import DeviceChoice, choose_devices, device_name
from mnist_sum.data import Dataset, load
from mnist_sum.evaluate import evaluate
from mnist_sum.loss import Totals
from mnist_sum.network import Network
from mnist_sum.recipe import Recipe
from mnist_sum.state import TrainState, create_state
from mnist_sum.train import begin_epoch, count_steps, train_epoch, train_steps, zero_tally

EXAMPLES = 60_000  # an epoch of MNIST; the sample is repeated to be as long
SWEEP = (32, 64, 128, 256, 512, 1024, 2048, 4096)
SWEEP_EXAMPLES = 8_192  # in a round, at every batch size
SEEDS = 16

Trainer = Callable[[int], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions(ConfigOptions):
    """Measure training and evaluation, in turns with the same network in PyTorch."""

    rounds: int = 7
    """Rounds; in each, both train in turn. What is reported is the median."""
    steps: int = 40
    """Training steps in a round."""
    sweep: bool = False
    """Measure all batch sizes from 32 to 4096 as well, which takes minutes."""
    torch: bool = True
    """Compare with PyTorch, which the extra 'parity' installs."""
    full: bool | None = None
    """Measure all epochs, with one seed and with 16 at once; only on a GPU if not given."""
    json: bool = False
    """Print all figures as one JSON object on the last line."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(*parse(BenchOptions, "bench", argv)))


def run(name: str, options: BenchOptions) -> None:
    """Measure everything and print the tables."""
    config = options.config.recipe
    if options.rounds < 1:
        raise UsageError(f"--rounds is {options.rounds} and must be at least 1.")
    if config.batch_size > EXAMPLES:
        raise UsageError(
            f"batch_size is {config.batch_size} and must be at most {EXAMPLES:,} here."
        )
    if not 1 <= options.steps <= EXAMPLES // config.batch_size:
        raise UsageError(
            f"--steps is {options.steps} and must be 1 .. {EXAMPLES // config.batch_size}, "
            "the whole batches of an epoch."
        )
    device = choose_devices(options.device)[0]
    print(f"{device_name(device)}; config {name}; one moment ...", flush=True)
    start = time.perf_counter()
    splits = load(options.config.dataset, options.data_dir, options.manual_dir)
    figures: dict[str, Any] = {
        "device": device_name(device),
        "threads": len(os.sched_getaffinity(0)),
        "jax": jax.__version__,
        "batch_size": config.batch_size,
        "load_seconds": time.perf_counter() - start,
    }
    train = repeat(splits.train, EXAMPLES)
    ours, figures["compile_seconds"] = prepare_ours(config, jax.device_put(train, device))
    figures["first_step_seconds"] = figures["compile_seconds"] + seconds(ours, 1)
    figures["peak_memory_mib"] = peak_memory(device) / 2**20
    figures |= measure_evaluation(config, jax.device_put(splits.test, device))
    figures |= compare(options, config, train, ours, options.steps)
    if options.full or (options.full is None and device.platform == "gpu"):
        figures |= measure_full_run(options.config, jax.device_put(train, device))
    print(text_table([("what", "value"), *((k, show(v)) for k, v in figures.items())]))
    if options.sweep:
        figures["sweep"] = sweep(options, config, train)
    if options.json:
        print(json.dumps(figures))


def repeat(dataset: Dataset, examples: int) -> Dataset:
    """Repeat a data set until it has so many examples."""
    rows = np.arange(examples) % len(dataset.digit)
    return Dataset(*(column[rows] for column in dataset))


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Time one call, to the end of what it computes."""
    start = time.perf_counter()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - start


def show(value: Any) -> str:
    """Write a figure with as many digits as it is good for."""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def peak_memory(device: jax.Device) -> int:
    """Ask how many bytes the device, or on a processor this process, has needed at most."""
    statistics = device.memory_stats()  # a processor has none
    if statistics:
        return statistics["peak_bytes_in_use"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def prepare_ours(config: Recipe, dataset: Dataset) -> tuple[Trainer, float]:
    """Make a function that takes so many training steps; also returns the time to compile it."""
    init_key, epoch_key = jax.random.split(jax.random.key(0))
    state = create_state(config, init_key, 10 * count_steps(config, len(dataset.digit)))
    epoch = begin_epoch(epoch_key, len(dataset.digit))
    # Where the data is: a state that is not placed would be another program than the next one.
    state, epoch = jax.device_put((state, epoch), jnp.asarray(dataset.digit).sharding)

    def train(steps: int) -> None:
        nonlocal state
        state, tally = train_steps(config, state, zero_tally(), dataset, epoch, (0, steps))
        jax.block_until_ready(tally)

    jax.block_until_ready((epoch, state))
    return train, seconds(train, 0)


def prepare_torch(config: Recipe, dataset: Dataset, on_gpu: bool) -> Trainer:
    """Make the same for PyTorch, eager, with all images on the device from the start."""
    try:
        import torch

        from experiments.benchmark import torch_reference as reference
    except ImportError:
        raise UsageError(
            "PyTorch is not installed: install the extra 'parity', or use --no-torch."
        ) from None

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    place = torch.device("cuda" if on_gpu else "cpu")
    columns = reference.torch_batch(dataset, 0, len(dataset.digit))
    columns = reference.TorchBatch(*(column.to(place) for column in columns))
    model = reference.TorchMnistSum(config.dropout_rate).to(place)
    optimizer = reference.make_optimizer(model, config.learning_rate)

    def train(steps: int) -> None:
        order = torch.randperm(len(columns.digit), device=place)
        for rows in order.split(config.batch_size)[:steps]:
            batch = reference.TorchBatch(*(column[rows] for column in columns))
            reference.train_step(model, optimizer, batch)
        if on_gpu:
            torch.cuda.synchronize()

    return train


def compare(
    options: BenchOptions, config: Recipe, dataset: Dataset, ours: Trainer, steps: int
) -> dict[str, Any]:
    """Train in turns; returns examples a second as medians, and the ratio of each round."""
    trainers = {"ours": ours}
    if options.torch:
        trainers["torch"] = prepare_torch(config, dataset, jax.default_backend() == "gpu")
    for train in trainers.values():
        train(2)
    speeds: dict[str, list[float]] = {who: [] for who in trainers}
    for _ in range(options.rounds):
        for who, train in trainers.items():
            speeds[who].append(steps * config.batch_size / seconds(train, steps))
    figures = {f"{who}_examples_per_second": median(values) for who, values in speeds.items()}
    if not options.torch:
        return figures
    ratios = [o / t for o, t in zip(speeds["ours"], speeds["torch"], strict=True)]
    spread = {"ratio": median(ratios), "ratio_least": min(ratios), "ratio_most": max(ratios)}
    return figures | spread | {"rounds": options.rounds}


def measure_evaluation(config: Recipe, test: Dataset) -> dict[str, float]:
    """Time the evaluation of all test images with all ten numbers."""
    state = create_state(config, jax.random.key(0), 1)
    network = Network(config, state.variables)
    compiling = seconds(evaluate, network, test)
    evaluating = seconds(evaluate, network, test)
    return {
        "evaluation_compile_seconds": compiling - evaluating,
        "evaluation_seconds": evaluating,
        "evaluated_images_per_second": len(test.digit) / evaluating,
    }


def measure_full_run(run: Config, dataset: Dataset) -> dict[str, float]:
    """Time all epochs of the config, with one seed, and with several at once in two ways."""
    config, key = run.recipe, jax.random.key(run.seed)
    keys = jax.random.split(key, SEEDS)

    def train_all(
        train: Callable[..., tuple[TrainState, Totals]], keys: Key[Array, " seed"], epochs: int
    ) -> Totals:
        """Train from new states; the key of an epoch is folded from the key of its seed."""
        steps = run.epochs * count_steps(config, len(dataset.digit))
        states = jax.vmap(partial(create_state, config, total_steps=steps))(keys)
        for epoch in range(epochs):
            states, totals = train(states, jax.vmap(jax.random.fold_in, (0, None))(keys, epoch))
        return totals

    def mapped(states: TrainState, keys: Key[Array, " seed"]) -> tuple[TrainState, Totals]:
        return jax.lax.map(
            lambda pair: train_epoch(config, pair[0], dataset, pair[1]), (states, keys)
        )

    vmapped = jax.vmap(lambda state, key: train_epoch(config, state, dataset, key))
    ways = {"1_seed": (mapped, keys[:1]), "map": (mapped, keys), "vmap": (vmapped, keys)}
    times = {}
    for way, (train, way_keys) in ways.items():
        train_jitted = jax.jit(train, donate_argnums=0)
        jax.block_until_ready(train_all(train_jitted, way_keys, 1))
        times[way] = seconds(train_all, train_jitted, way_keys, run.epochs)
    return {
        "run_seconds": times["1_seed"],
        f"run_of_{SEEDS}_seeds_by_map_seconds": times["map"],
        f"run_of_{SEEDS}_seeds_by_vmap_seconds": times["vmap"],
        "seeds_ratio": min(times["map"], times["vmap"]) / times["1_seed"],
    }


def sweep(options: BenchOptions, config: Recipe, dataset: Dataset) -> list[dict[str, Any]]:
    """Compare at every batch size, and print the table."""
    results: list[dict[str, Any]] = []
    for batch_size in SWEEP:
        sized = dataclasses.replace(config, batch_size=batch_size)
        ours, compile_seconds = prepare_ours(sized, jax.device_put(dataset))
        figures = compare(options, sized, dataset, ours, SWEEP_EXAMPLES // batch_size)
        results.append({"batch_size": batch_size, "compile_seconds": compile_seconds} | figures)
    print(text_table([list(results[0]), *([show(x) for x in row.values()] for row in results)]))
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
