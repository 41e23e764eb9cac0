"""Measure speed, in turns with the same network in PyTorch: python -m experiments.workshop.bench.

Each side computes in a process of its own and waits while another has its turn. A turn counts if
others left it its cores (benchmark/quiet.py says how that is known); a machine that does not get
quiet gets no ratio.
"""

import dataclasses
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.configs import fields_of
from experiments.system.arguments import ConfigOptions, parse
from experiments.system.device import DeviceChoice
from experiments.workshop.benchmark import measure, quiet, results
from experiments.workshop.benchmark.worker import Figures, UnavailableError
from mnist_sum.errors import UsageError
from mnist_sum.recipe import Recipe
from mnist_sum.terminal import exit_code

EXAMPLES = 60_000  # an epoch of MNIST; the sample is repeated to be as long
WORK = ("adder", "shift", "rotation", "scale", "shear", "elastic", "erase", "label_smoothing")
"""Fields of a recipe that cost time in training, and that PyTorch's side does not follow."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions(ConfigOptions):
    """Measure training and evaluation, in turns with the same network in PyTorch."""

    rounds: int = 5
    """Rounds; in each, all train in turn. What is reported is the median."""
    steps: int | None = None
    """Training steps in a call; 40 on a processor and an epoch's on a GPU if not given."""
    seconds: float = 1.5
    """How long a turn is at least, in seconds: it is so many calls."""
    torch: bool = True
    """Compare with PyTorch, which the extra 'parity' installs."""
    sweep: bool = False
    """Measure all batch sizes from 32 to 4096 as well, which takes minutes."""
    full: bool | None = None
    """Train 16 seeds in one program to the end of the config as well; on a GPU if not given."""
    time_to_accuracy: int = 0
    """Train so many seeds to the end of the config instead, for their times and accuracies."""
    json: bool = False
    """Print all figures as one JSON object on the last line."""
    output: Path | None = None
    """Write all figures to this file, as JSON."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(*parse(BenchOptions, "bench", argv)))


def run(name: str, options: BenchOptions) -> None:
    """Measure, print the tables, and keep the figures."""
    check(options)
    print(f"Config {name}; a few minutes ...", flush=True)
    record: Figures = {"config": name, "fields": fields_of(options.config)}
    try:
        measured = measure_runs if options.time_to_accuracy else measure_speed
        record |= measured(options)
    except UnavailableError as reason:
        raise UsageError(str(reason)) from reason
    if options.output:
        try:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_text(json.dumps(record, indent=1) + "\n")
        except OSError as error:
            raise UsageError(f"{options.output} cannot be written: {error.strerror}.") from error
    if options.json:
        print(json.dumps(record))


def check(options: BenchOptions) -> None:
    """Raise UsageError for what cannot be measured, before anything is."""
    size = options.config.recipe.batch_size
    if not quiet.is_known():
        raise UsageError("The bench needs Linux, whose /proc/stat says who computes on a core.")
    if options.rounds < 1:
        raise UsageError(f"--rounds is {options.rounds} and must be at least 1.")
    if not 0 < options.seconds < float("inf"):
        raise UsageError(f"--seconds is {options.seconds} and must be positive and finite.")
    if options.time_to_accuracy < 0:
        raise UsageError(
            f"--time-to-accuracy is {options.time_to_accuracy} and must be a number of seeds."
        )
    if options.time_to_accuracy:
        return
    if size > EXAMPLES:
        raise UsageError(f"batch_size is {size} and must be at most {EXAMPLES:,} here.")
    if options.steps is not None and not 1 <= options.steps <= EXAMPLES // size:
        raise UsageError(
            f"--steps is {options.steps} and must be 1 .. {EXAMPLES // size}, "
            "the whole batches of an epoch."
        )
    if options.torch and importlib.util.find_spec("torch") is None:
        raise UsageError("PyTorch is not installed: install the extra 'parity', or use --no-torch.")


def job_of(options: BenchOptions, examples: int | None) -> Figures:
    """Write down what a process is to prepare for; with `examples`, the images are so many."""
    return {
        "config": fields_of(options.config),
        "folders": [
            path and str(path) for path in (options.data.data_dir, options.data.manual_dir)
        ],
        "device": options.device,
        "examples": examples,
    }


def measure_speed(options: BenchOptions) -> Figures:
    """Compare speeds, and print what it comes to; then what else was asked for."""
    job = job_of(options, EXAMPLES)
    ways = measure.WAYS if options.torch else dict.fromkeys(measure.WAYS, ())
    plan = measure.Plan(options.rounds, options.steps, options.seconds, ways)
    groups = measure.compare_sides(job, plan)
    facts = groups[-1]["rows"][0]["facts"]
    record = {"device": facts["device"], "groups": groups}
    print(f"{facts['device']}; batches of {options.config.recipe.batch_size} images")
    print_groups(groups)
    different = differences(options.config.recipe)
    if options.torch and different:
        print(
            f"Not like with like: ours trains with {different}; PyTorch takes each image as it is, "
            "with one number."
        )
    print(results.figures_table(groups[-1]))
    if options.full or (options.full is None and facts["platform"] == "gpu"):
        record["seeds"] = measure.train_seeds_at_once(job)
        print(results.seeds_table(record["seeds"]))
    if options.sweep:
        record["sweep"] = measure.sweep_batch_sizes(job, options.config, plan)
        print_groups(record["sweep"])
    return record


def print_groups(groups: Sequence[Figures]) -> None:
    """Print the table of a comparison, and what it comes to."""
    print(results.comparison_table(groups))
    print(*results.conclusions(groups), sep="\n", flush=True)


def measure_runs(options: BenchOptions) -> Figures:
    """Train seeds to the end, and print the time that it takes and the accuracy that it gives."""
    first = options.config.seed
    seeds = range(first, first + options.time_to_accuracy)
    facts, runs = measure.train_to_the_end(job_of(options, None), seeds)
    print(
        f"{facts['device']}; {facts['devices']} devices; compiled before, in "
        f"{facts['compile_seconds']:.1f} s"
    )
    print(results.run_table(runs))
    print(*results.run_sentences(runs), sep="\n")
    return {"device": facts["device"], "facts": facts, "runs": runs}


def differences(recipe: Recipe) -> str:
    """Name the work that a recipe asks for and PyTorch's side does not do; empty if there is none.

    Numbers that are fixed and fresh ones are the same work: one for each image.
    """
    plain = Recipe()
    fields = [name for name in WORK if getattr(recipe, name) != getattr(plain, name)]
    if recipe.numbers == "all":
        fields.insert(0, "numbers")
    return ", ".join(f"{name} {getattr(recipe, name)}" for name in fields)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
