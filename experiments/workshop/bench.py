"""Measure speed, in turns with the same network in PyTorch: python -m experiments.workshop.bench.

Each turn is a process of its own, which loads, compiles or reads what is compiled, warms up and
measures. It counts if others left it its cores (benchmark/quiet.py says how that is known); a
machine that does not get quiet gets no ratio.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

from experiments.configs import fields_of
from experiments.system import workdir
from experiments.system.arguments import ConfigOptions, parse
from experiments.system.device import DeviceChoice, own_cores
from experiments.system.this_run import load_splits
from experiments.workshop.benchmark.process import ask, keep_images
from experiments.workshop.benchmark.quiet import KERNEL_STATISTICS, Figures, take_turns
from experiments.workshop.benchmark.results import compare, group_rows, summarize_runs
from mnist_sum.errors import UsageError
from mnist_sum.outputs import check_output
from mnist_sum.terminal import exit_code
from mnist_sum.version import VERSION

OURS = "experiments.workshop.benchmark.ours"
PYTORCH = "experiments.workshop.benchmark.pytorch"
CPU_STEPS = 40  # in a call
EPOCH = 60_000  # images in a call on a GPU
WAYS = {  # of PyTorch
    "cpu": ("", "channels last", "compiled", "bfloat16, channels last"),
    "gpu": ("", "CUDA graphs"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions(ConfigOptions):
    """Measure training and evaluation, in turns with the same network in PyTorch."""

    rounds: int = 5
    """Rounds; in each, all train in turn. What is reported is the median."""
    steps: int | None = None
    """Training steps in a call; 40 on a processor and an epoch's on a GPU if not given."""
    seconds: float = 1.5
    """How long a turn measures at least, in seconds."""
    torch: bool = True
    """Compare with PyTorch, which the extra 'parity' installs."""
    time_to_accuracy: int | None = None
    """Train N seeds to the end of the config instead, for their times and accuracies."""
    output: Path | None = None
    """Write all figures to this file, as JSON."""
    device: DeviceChoice = "auto"
    """Where to compute; auto takes a GPU where there is one."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(*parse(BenchOptions, "workshop.bench", argv)))


def run(name: str, options: BenchOptions) -> None:
    """Measure, print what it comes to, and keep the figures."""
    check(options)
    job: Figures = {"config": fields_of(options.config), "device": options.device}
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        keep_images(load_splits(options), folder)
        print(f"Config {name}; some minutes ...", flush=True)
        job |= {"folder": folder}
        measured = (time_runs if options.time_to_accuracy else compare_speeds)(job, options)
    if options.output:
        record = {"mnist_sum": VERSION, "config": name, "fields": job["config"]}
        workdir.write(options.output, json.dumps(record | measured, indent=1) + "\n")


def check(options: BenchOptions) -> None:
    """Raise UsageError for what cannot be measured, before anything is."""
    if not KERNEL_STATISTICS.exists():
        raise UsageError("The bench needs Linux, whose /proc/stat says who computes on a core.")
    for name in ("rounds", "steps", "seconds", "time_to_accuracy"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is {value} and must be positive and finite.")
    if options.torch and not options.time_to_accuracy and find_spec("torch") is None:
        raise UsageError("PyTorch is not installed: install the extra 'parity', or use --no-torch.")
    if options.output:
        check_output(options.output)


def compare_speeds(job: Figures, options: BenchOptions) -> Figures:
    """Compare on one core and on all that this process may use, or on a GPU."""
    cores = own_cores()
    groups = [compare_on(cores, job, options)]
    if groups[0]["on"] != "GPU" and len(cores) > 1:
        groups.insert(0, compare_on(cores[-1:], job, options))  # the first core serves interrupts
    rows = [{"on": group["on"]} | row for group in groups for row in group_rows(group)]
    facts = groups[-1]["rows"][0]["facts"]
    print(f"{facts['device']}, batches of {options.config.recipe.batch_size}:")
    print(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True))
    if options.torch:
        print("There is no ratio if others took more than a tenth of the cores' time (disturbed).")
        print("Whatever the config, PyTorch takes each image as it is, with one number.")
    return {"device": facts["device"], "groups": groups}


def compare_on(cores: Sequence[int], job: Figures, options: BenchOptions) -> Figures:
    """Compare ours with each way of PyTorch, in turns on some of the cores."""
    on = "1 core" if len(cores) == 1 else f"{len(cores)} cores"
    print(f"On {on}: compiling, then {options.rounds} round(s) in turns ...", flush=True)
    size = options.config.recipe.batch_size
    steps = {"cpu": CPU_STEPS, "gpu": max(EPOCH // size, 1)}
    images = {platform: (options.steps or count) * size for platform, count in steps.items()}
    job = job | {"images": images, "epochs": 1, "seconds": options.seconds, "evaluate": False}
    first = {"ours": ask(OURS, cores, job | {"evaluate": True})}
    platform = first["ours"]["facts"]["platform"]
    job["device"] = platform
    turns, lacking = {"ours": partial(ask, OURS, cores, job)}, []
    for way in WAYS[platform] if options.torch else ():
        name = f"PyTorch {way}".strip()
        turn = partial(ask, PYTORCH, cores, job | {"way": way})
        try:
            first[name], turns[name] = turn(), turn
        except UsageError as reason:
            lacking.append({"what": name, "cannot": str(reason)})
    rows: list[Figures] = [
        {key: [turn[key] for turn in of_way] for key in ("images_per_second", "left", "used")}
        | {"what": name, "facts": first[name]["facts"]}
        for name, of_way in take_turns(turns, options.rounds).items()
    ]
    rows += lacking
    evaluation = first["ours"]["evaluation"]
    evaluation["evaluated_images_per_second"] = evaluation.pop("images_per_second")
    return {
        "on": "GPU" if platform == "gpu" else on,
        "cores": list(cores),
        "steps": images[platform] // size,
        "rows": rows,
        "ratio": compare(rows),
        "evaluation": evaluation,
    }


def time_runs(job: Figures, options: BenchOptions) -> Figures:
    """Train seeds to the end, and print the time that it takes and the accuracy that it gives."""
    cores, config, runs = own_cores(), options.config, []
    job = job | {"images": {}, "epochs": config.epochs, "seconds": 0, "evaluate": True}
    for seed in range(config.seed, config.seed + (options.time_to_accuracy or 0)):
        of_seed = job | {"config": job["config"] | {"seed": seed}}
        ((run,),) = take_turns({"ours": partial(ask, OURS, cores, of_seed)}, 1).values()
        runs.append(run | {"seed": seed, "training_seconds": run["seconds"]})
        print(f"Seed {seed}: {' for '.join(summarize_runs(runs[-1:]))}", flush=True)
    print(f"All seeds: {' for '.join(summarize_runs(runs))} of digits and sums")
    return {"device": runs[0]["facts"]["device"], "facts": runs[0]["facts"], "runs": runs}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
