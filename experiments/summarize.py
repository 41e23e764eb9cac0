"""Gather runs of one config with several seeds: python -m experiments.summarize RUN ... ."""

if __name__ == "__main__":
    from experiments.system.interruption import end_on_ctrl_c

    end_on_ctrl_c()  # the imports take seconds

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import tyro

from experiments.configs import fields_of, list_differences
from experiments.report import LAST_EPOCHS, last_accuracies, text_table
from experiments.system import workdir
from experiments.system.arguments import command
from experiments.system.workdir import Records
from mnist_sum.errors import UsageError
from mnist_sum.outputs import PNG_MARK, check_output

SUMMARY = "summary.json"
PICTURE = "seeds.png"
METRICS = "seed-{}.jsonl"
MARK = b'"sum_accuracy"'  # in a summary and in metrics


@dataclasses.dataclass(frozen=True)
class SummarizeOptions:
    """Copy the metrics of some runs, and sum up their test accuracies over the seeds."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Work folders of at least two runs that differ in nothing but the seed."""
    output: Path
    """Folder for seed-N.jsonl, summary.json and seeds.png."""


def check_outputs(output: Path, seeds: Iterable[int]) -> None:
    check_output(output / PICTURE, mark=PNG_MARK)
    for name in (SUMMARY, *map(METRICS.format, seeds)):
        check_output(output / name, mark=MARK)


def summarize(options: SummarizeOptions) -> None:
    from experiments.report.pictures.curves import draw_seeds  # Matplotlib may have no folder

    output, noted = options.output, [workdir.read_run(folder) for folder in options.runs]
    configs = [fields_of(config) for config, _ in noted]
    seeds = [config.pop("seed") for config in configs]
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise UsageError(f"Give at least two runs with different seeds, not {seeds}.")
    for folder, config in zip(options.runs, configs, strict=True):
        if changed := list_differences(configs[0], config):
            raise UsageError(f"The run {folder} differs from the first: {changed}.")
    check_outputs(output, seeds)
    runs = {seed: records for seed, (_, records) in zip(seeds, noted, strict=True)}
    summary = summary_of(configs[0], runs)
    for seed, records in runs.items():
        workdir.write_metrics(output, records, METRICS.format(seed))
    workdir.write(output / SUMMARY, json.dumps(summary, indent=2) + "\n")
    draw_seeds([*runs.values()], output / PICTURE)
    rows = [["test, %", "", "mean", "std", "min", "max"]]
    for span, accuracies in summary["test"].items():
        for accuracy, values in accuracies.items():
            cells = [f"{100 * value:.2f}" for value in values.values()]
            rows.append([span.replace("_", " "), accuracy.replace("_", " "), *cells])
    print(text_table(rows))
    print(f"See {output / PICTURE}; the figures of all seeds are in {output / SUMMARY}.")


def summary_of(config: dict[str, Any], runs: Mapping[int, Records]) -> dict[str, Any]:
    """Sum up runs, given by their seeds: of long ones also the means of their last seven epochs."""
    records = [*runs.values()]
    spans = {"last_epoch": 1, f"mean_of_last_{LAST_EPOCHS}": LAST_EPOCHS}
    accuracies = [name for name in records[0][-1]["test"] if name.endswith("_accuracy")]
    return {
        "config": config,
        "seeds": list(runs),
        "test": {
            span: {name: sum_up(last_accuracies(records, name, epochs)) for name in accuracies}
            for span, epochs in spans.items()
            if len(records[0]) >= epochs
        },
        "training_seconds": sum_up([sum(x["seconds"] for x in run) for run in records]),
    }


def sum_up(values: list[float]) -> dict[str, float]:
    return {"mean": mean(values), "std": stdev(values), "min": min(values), "max": max(values)}


main = command(SummarizeOptions, "summarize", summarize)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
