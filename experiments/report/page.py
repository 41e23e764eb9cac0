"""report.md: what a run did and how well, on one page with its pictures."""

from collections.abc import Sequence
from statistics import median
from textwrap import fill
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from experiments.configs import Config, base, fields_of
from experiments.report import original
from experiments.report.answers import right_answers
from experiments.report.confusion import (
    draw_digit_confusion,
    draw_sum_confusion,
    list_confusions,
)
from experiments.report.graph import draw_model
from experiments.report.layers import Layer, list_layers
from experiments.report.mistakes import count_confusions, misread_digits, misread_sums
from experiments.report.records import last_accuracies, training_seconds
from experiments.report.sheet import COLOURS
from experiments.report.tables import Row, layer_table, markdown_table
from experiments.report.tiles import draw_answers, draw_mistakes, draw_samples
from experiments.system.environment import describe_environment
from experiments.system.this_run import Run
from experiments.system.workdir import CURVES, MODEL, REPORT, SAMPLES, write
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs, make_model

ANSWERS = "answers.png"
MISTAKES = "mistakes.png"
CONFUSIONS = {"digit": "confusion_digit.png", "sum": "confusion_sum.png"}
LAST_EPOCHS = 7  # averaged, as single epochs are noisy
MOST_CONFUSED = 5
PAGE_WIDTH = 100


def write_report(run: Run, records: Sequence[dict[str, Any]], outputs: Outputs) -> None:
    """Write report.md and its pictures into the run's folder, which has the curves already.

    `records` are the metrics of all epochs, `outputs` those for the test images, each with all ten
    numbers, after the last epoch; on the host.
    """
    folder, test = run.folder, run.splits.test
    layers = list_layers(make_model(run.config.recipe))
    confusions = {
        "digit": count_confusions(test.digit, outputs.digit_log_probabilities),
        "sum": count_confusions(np.asarray(all_sums(test.digit)), outputs.sum_logits),
    }
    beside = original.records() if original.is_comparable(run.config) else []
    draw_samples(run.splits.train, run.config.recipe, folder / SAMPLES)
    draw_answers(right_answers(test, outputs), folder / ANSWERS)
    draw_mistakes(misread_digits(test, outputs), misread_sums(test, outputs), folder / MISTAKES)
    draw_digit_confusion(confusions["digit"], folder / CONFUSIONS["digit"])
    draw_sum_confusion(confusions["sum"], folder / CONFUSIONS["sum"])
    draw_model(layers, folder / MODEL)
    sections = (
        f"# MNIST sum, config {run.name}",
        training_section(run, records),
        result_section(records, beside, run.config.renew_statistics),
        differences(run.config),
        f"## Answers\n\n![Right answers, and how probable they were found]({ANSWERS})\n\n"
        "Each test image is paired here with one number, drawn once.",
        curves_section(beside),
        mistakes_section(confusions),
        confusion_section(confusions["digit"]),
        network_section(layers),
        f"## Data\n\n![The first training images]({SAMPLES})",
        machine_section(run.devices),
    )
    write(folder / REPORT, "\n\n".join(sections) + "\n")


def training_section(run: Run, records: Sequence[dict[str, Any]]) -> str:
    """Say first what was trained, on what, and how fast."""
    seconds = training_seconds(records)
    speed = median(record["examples_per_second"] for record in records)
    train, test = (len(dataset.digit) for dataset in run.splits)
    epochs = "1 epoch" if len(records) == 1 else f"{len(records)} epochs"
    text = (
        "A network reads the digit in an image, and adds a number to it. It was trained on "
        f"{train:,} images of `{run.config.dataset}` for {epochs}, in {seconds:,.0f} s "
        f"({speed:,.0f} images a second), and tested on {test:,} others."
    )
    return fill(text, PAGE_WIDTH)


def result_section(
    records: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]], renewed: bool = False
) -> str:
    """Say how well digits and sums are read; beside it, how well by the original."""
    runs = {"": records} | ({"original's ": beside} if beside else {})
    rows: list[Row] = [("test accuracy", *(f"{run}{o}" for run in runs for o in COLOURS))]
    rows.append(("last epoch", *(x for run in runs.values() for x in accuracies(run, 1))))
    if len(records) >= LAST_EPOCHS:
        means = (x for run in runs.values() for x in accuracies(run, LAST_EPOCHS))
        rows.append((f"mean of the last {LAST_EPOCHS} epochs", *means))
    note = "Every test image is paired with all ten numbers."
    if "unseen_accuracy" in records[-1]["test"]:
        unseen = records[-1]["test"]["unseen_accuracy"]
        note += f" Of the pairs that training left out, {unseen:.2%} of the sums are right."
    if beside:
        note += f" The original's log, of one run of {len(beside)} epochs, pairs it with one."
    if beside and len(records) >= LAST_EPOCHS:
        note += " Single epochs are noisy, and the original's last is its best: compare the means."
    if renewed:
        note += " Batch norm's statistics were taken anew before the last epoch's test."
    return f"{markdown_table(rows)}\n\n{fill(note, PAGE_WIDTH)}"


def accuracies(records: Sequence[dict[str, Any]], epochs: int) -> list[str]:
    """Average the test accuracies of both outputs over the last so many epochs."""
    return [
        f"{last_accuracies([records], f'{output}_accuracy', epochs)[0]:.2%}" for output in COLOURS
    ]


def differences(config: Config) -> str:
    """List where the config departs from `base`, the original's recipe."""
    fields = fields_of(config)
    rows: list[Row] = [
        (field, str(fields[field]), str(value))
        for field, value in fields_of(base()).items()
        if fields[field] != value and field != "seed"
    ]
    if not rows:
        return "The config is `base`, the recipe of the original, without a change."
    table = markdown_table([("field", "this run", "base"), *rows])
    return f"It departs from `base`, the recipe of the original, in:\n\n{table}"


def curves_section(beside: Sequence[dict[str, Any]]) -> str:
    """Show the curves and say how to read them."""
    note = (
        "Solid: test. Dashed: training, averaged while the weights changed. Once they have come to "
        "90 %, accuracies are placed by their distance from 100 %, on a log scale."
    )
    if beside:
        note += " Grey: the accuracies of the original in the same epochs."
    picture = f"![Accuracies and losses by epoch]({CURVES})"
    return f"## Curves\n\n{picture}\n\n{fill(note, PAGE_WIDTH)}"


def mistakes_section(confusions: dict[str, Int[np.ndarray, "label label"]]) -> str:
    """Show what is misread, the most confident mistakes first."""
    totals = " and ".join(
        f"{counts.sum() - counts.trace():,} of {counts.sum():,} {output}s"
        for output, counts in confusions.items()
    )
    picture = f"![The most confident mistakes]({MISTAKES})"
    return f"## Mistakes\n\nMisread: {totals}.\n\n{picture}"


def confusion_section(counts: Int[np.ndarray, "10 10"]) -> str:
    """Show what is taken for what."""
    pictures = "\n\n".join(
        f"![Which {output}s were read as which]({picture})"
        for output, picture in CONFUSIONS.items()
    )
    return f"## What is taken for what\n\n{most_confused(counts)}\n\n{pictures}"


def most_confused(counts: Int[np.ndarray, "10 10"]) -> str:
    """List the digits that were most often taken for another one."""
    rows = list_confusions(counts)[:MOST_CONFUSED]
    if not rows:
        return "No digit was taken for another."
    table = markdown_table([("digit", "read as", "times", "of"), *rows])
    return f"The digits most often taken for another:\n\n{table}"


def network_section(layers: list[Layer]) -> str:
    """List the layers, then draw them."""
    note = (
        "In a box, below the layer: its parameters. At an arrow: the shape of what passes for one "
        "image, channels first."
    )
    picture = f"![The layers, from the image to the sum]({MODEL})"
    table = f"```text\n{layer_table(layers)}\n```"
    return f"## Network\n\n{table}\n\n{picture}\n\n{fill(note, PAGE_WIDTH)}"


def machine_section(devices: list[jax.Device]) -> str:
    """Say what the run computed on."""
    table = markdown_table([("what", "value"), *describe_environment(devices).items()])
    return f"## Machine\n\n{table}"
