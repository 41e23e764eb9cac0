"""Gather runs of one config with several seeds: python -m experiments.summarize RUN ... ."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import tyro

from experiments.configs import fields_of
from experiments.report.curves import draw_seeds
from experiments.report.page import LAST_EPOCHS
from experiments.report.percent import count_decimals
from experiments.report.records import Records, last_accuracies, read_run, training_seconds
from experiments.report.tables import text_table
from experiments.system import workdir
from experiments.system.arguments import parse_options
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code

SUMMARY = "summary.json"
PICTURE = "seeds.png"
SPREAD: dict[str, Callable[[list[float]], float]] = {
    "mean": mean,
    "std": stdev,
    "min": min,
    "max": max,
}


@dataclasses.dataclass(frozen=True)
class SummarizeOptions:
    """Copy the metrics of some runs, and sum up their test accuracies over the seeds."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Work folders of at least two runs that differ in nothing but the seed."""
    output: Path
    """Folder for seed-N.jsonl and summary.json."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return exit_code(lambda: run(parse_options(SummarizeOptions, "summarize", argv)))


def run(options: SummarizeOptions) -> None:
    """Read the runs, write their metrics and summary, print the table."""
    if not options.runs:
        raise UsageError("Give the work folders of at least two runs.")
    summarize_runs(options.runs, options.output)


def summarize_runs(runs: Sequence[Path], output: Path) -> None:
    """Write the metrics of runs, their summary and its picture into a folder, print the table."""
    read = [read_run(folder) for folder in runs]
    configs, records = [fields_of(config) for config, _ in read], [records for _, records in read]
    seeds = [config.pop("seed") for config in configs]
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise UsageError(f"The seeds are {seeds}: give at least two runs, each with its own.")
    for folder, config in zip(runs, configs, strict=True):
        if config != configs[0]:
            differing = [name for name in config if config[name] != configs[0].get(name)]
            raise UsageError(f"The run {folder} differs from the first in {', '.join(differing)}.")
    summary = summary_of(configs[0], dict(zip(seeds, records, strict=True)))
    try:
        output.mkdir(parents=True, exist_ok=True)
        for seed, run_records in zip(seeds, records, strict=True):
            workdir.write_metrics(output, run_records, f"seed-{seed}.jsonl")
        workdir.write(output / SUMMARY, json.dumps(summary, indent=2) + "\n")
        draw_seeds(records, output / PICTURE)
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}).") from None
    print(text_table(rows_of(summary["test"], len(seeds))))
    print(f"See {output / PICTURE}; the figures of all seeds are in {output / SUMMARY}.")


def summary_of(config: dict[str, Any], runs: Mapping[int, Records]) -> dict[str, Any]:
    """Sum up runs of one config, given by their seeds."""
    return {
        "config": config,
        "seeds": list(runs),
        "test": summarize(list(runs.values())),
        "training_seconds": spread_of(list(map(training_seconds, runs.values()))),
    }


def summarize(runs: Sequence[Records]) -> dict[str, dict[str, dict[str, float]]]:
    """Compute, over the seeds, the spread of the last epoch; of longer runs the mean of seven too.

    For that mean, each run's last seven epochs are averaged first.
    """
    spans = {"last_epoch": 1}
    if len(runs[0]) >= LAST_EPOCHS:
        spans[f"mean_of_last_{LAST_EPOCHS}"] = LAST_EPOCHS
    return {
        name: {
            accuracy: spread_of(last_accuracies(runs, accuracy, epochs))
            for accuracy in runs[0][-1]["test"]
            if accuracy.endswith("_accuracy")
        }
        for name, epochs in spans.items()
    }


def spread_of(values: list[float]) -> dict[str, float]:
    """Compute mean, sample standard deviation, minimum and maximum of two values or more."""
    return {statistic: function(values) for statistic, function in SPREAD.items()}


def rows_of(test: dict[str, dict[str, dict[str, float]]], seeds: int) -> list[list[str]]:
    """Lay the summary out as a table, in percent, with the decimals that a mean bears."""
    rows = [["test, %", "", *SPREAD]]
    for name, accuracies in test.items():
        for accuracy, spread in accuracies.items():
            decimals = count_decimals(spread["std"], seeds)
            cells = [f"{100 * value:.{decimals}f}" for value in spread.values()]
            rows.append([name.replace("_", " "), accuracy.replace("_", " "), *cells])
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
