"""Measure speed, in turns with the same network in PyTorch: python -m experiments.workshop.bench.

Each turn is a process of its own, which loads, compiles or reads what is compiled, warms up and
measures. It counts if others left it its cores (benchmark/turn.py says how that is known); a
machine that does not get quiet gets no ratio.
"""

import dataclasses
import json
import math
import os
import shutil
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

from experiments.configs import fields_of, vary
from experiments.system import workdir
from experiments.system.arguments import ConfigOptions, command, load_splits
from experiments.system.device import DeviceChoice, own_cores
from experiments.workshop.benchmark.results import add_ratios, summarize_runs, table_row
from experiments.workshop.benchmark.turn import Figures, Job, ask, take_turns
from mnist_sum.errors import UsageError
from mnist_sum.outputs import check_output
from mnist_sum.version import VERSION

MARK = b'{\n "mnist_sum": '  # how figures begin, which may be replaced
OURS = "experiments.workshop.benchmark.ours"
PYTORCH = "experiments.workshop.benchmark.pytorch"
COMPILER = os.environ.get("CXX", "g++")  # that PyTorch takes
WAYS = {  # of PyTorch
    "cpu": ("", "channels last", "compiled"),
    "gpu": ("", "compiled, CUDA graphs"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions(ConfigOptions):
    """Measure training and evaluation, in turns with the same network in PyTorch."""

    rounds: int = 5
    """Rounds; in each, all train in turn. What is reported is the median."""
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


def run(options: BenchOptions) -> None:
    check(options)
    splits, cores = load_splits(options), own_cores()
    print(f"Config {options.name}; some minutes ...", flush=True)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        job = Job(options.config, splits, folder, cores, options.device)
        measure = time_runs if options.time_to_accuracy else compare_speeds
        rows = measure(job, options)
    if options.output:
        record = {"mnist_sum": VERSION, "config": options.name, "fields": fields_of(options.config)}
        workdir.write(options.output, json.dumps(record | {"rows": rows}, indent=1) + "\n")


def check(options: BenchOptions) -> None:
    if not own_cores():
        raise UsageError("The bench needs Linux, which says who computes on a core.")
    for name in ("rounds", "seconds", "time_to_accuracy"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is {value} but must be positive and finite.")
    if options.torch and not options.time_to_accuracy and find_spec("torch") is None:
        raise UsageError("PyTorch is not installed: install the extra 'parity', or use --no-torch.")
    if options.output:
        check_output(options.output, mark=MARK)


def compare_speeds(job: Job, options: BenchOptions) -> list[Figures]:
    """Compare on one core and on all that this process may use, or on a GPU."""
    rows = compare_on(job, options)
    if rows[0]["on"] != "GPU" and len(job.cores) > 1:  # the first core serves interrupts
        rows = compare_on(job._replace(cores=job.cores[-1:]), options) + rows
    print(f"{rows[0]['device']}, batches of {job.config.recipe.batch_size}:")
    table = [{"on": row["on"]} | table_row(row) for row in rows]
    print(tabulate(table, headers="keys", tablefmt="plain", disable_numparse=True))
    if options.torch:
        print("There is no ratio if others took more than a tenth of the cores' time (disturbed).")
        print("Whatever the config, PyTorch takes each image as it is, with one number.")
    return rows


def compare_on(job: Job, options: BenchOptions) -> list[Figures]:
    """Compare ours with each way of PyTorch, in turns on the job's cores."""
    print(f"On {job.on}: compiling, then {options.rounds} round(s) in turns ...", flush=True)
    first = {"ours": ask(OURS, job)}
    job = job._replace(device=first["ours"]["platform"], seconds=options.seconds)
    where = {"device": first["ours"]["device"], "on": job.on, "cores": job.cores}
    sides = {"ours": partial(ask, OURS, job)}
    for way in WAYS[job.device] if options.torch else ():
        name = f"PyTorch {way}".strip()
        if "compiled" in way and shutil.which(COMPILER) is None:
            print(f"{name} is left out: it needs a C++ compiler, and there is no {COMPILER}.")
            continue
        sides[name] = partial(ask, PYTORCH, job._replace(way=way))
        first[name] = sides[name]()
    turns = take_turns(sides, options.rounds)
    rows = [
        where | gather(f"{name}, {facts['version']}", turns[name]) | {"facts": facts}
        for name, facts in first.items()
    ]
    add_ratios(rows)
    evaluations = [turn["evaluation"] for turn in turns["ours"]]
    return [*rows, where | gather("evaluation by ours", evaluations)]


def gather(by: str, turns: list[Figures]) -> Figures:
    columns = {key: [turn[key] for turn in turns] for key in ("images_per_second", "left")}
    return {"by": by} | columns


def time_runs(job: Job, options: BenchOptions) -> list[Figures]:
    """Train seeds to the end, and print the time that it takes and the accuracy that it gives."""
    runs: list[Figures] = []
    for seed in range(job.config.seed, job.config.seed + (options.time_to_accuracy or 0)):
        of_seed = job._replace(config=vary(job.config, seed=seed), to_the_end=True)
        ((run,),) = take_turns({"ours": partial(ask, OURS, of_seed)}, 1).values()
        runs.append(run | {"seed": seed})
        print(f"Seed {seed}: {' for '.join(summarize_runs(runs[-1:]))}", flush=True)
    print(f"All seeds: {' for '.join(summarize_runs(runs))} of digits and sums")
    on = job._replace(device=run["platform"]).on
    return [{"device": run["device"], "on": on, "cores": job.cores, "by": "ours", "runs": runs}]


main = command(BenchOptions, "workshop.bench", run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
