"""report.md: what a run did and how well, on one page with its pictures."""

from pathlib import Path
from statistics import median
from textwrap import fill

import numpy as np

from experiments.configs import Config, base, fields_of
from experiments.report import LAST_EPOCHS, Row, last_accuracies, markdown_table, original_records
from experiments.report.layers import layer_table, list_layers
from experiments.report.pictures import COLOURS, confusion, graph, tiles
from experiments.system.device import describe_environment
from experiments.system.workdir import MODEL, PICTURES, REPORT, SAMPLES, Records, Run, write
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs

ANSWERS, MISTAKES, DIGIT_CONFUSION, SUM_CONFUSION = PICTURES
PAGE = Path(__file__).with_name("page.txt")
MOST_CONFUSED = 5
PAGE_WIDTH = 100


def write_report(run: Run, records: Records, outputs: Outputs) -> None:
    """Write report.md and its pictures into the run's folder, which has the curves already.

    `outputs` are those for the test images, each with all ten numbers; on the host.
    """
    folder, recipe, (train, test) = run.folder, run.config.recipe, run.splits
    layers = list_layers(recipe)
    right, misread_digits, misread_sums = tiles.sort_out(test, outputs)
    digits = confusion.count_confusions(test.digit, outputs.digit_log_probabilities)
    sums = confusion.count_confusions(np.asarray(all_sums(test.digit)), outputs.sum_logits)
    tiles.draw_samples(train, recipe, folder / SAMPLES)
    tiles.draw_right_answers(right, folder / ANSWERS)
    tiles.draw_mistakes(misread_digits, misread_sums, folder / MISTAKES)
    confusion.draw_digits(digits, folder / DIGIT_CONFUSION)
    confusion.draw_sums(sums, folder / SUM_CONFUSION)
    graph.draw_model(layers, folder / MODEL)

    original = original_records(run.config)
    confused = "No digit was taken for another."
    if rows := confusion.list_confusions(digits):
        table = markdown_table([("digit", "read as", "times", "of"), *rows[:MOST_CONFUSED]])
        confused = f"The most frequent of {len(rows)} ways to misread a digit:\n\n{table}"
    text = PAGE.read_text(encoding="utf-8").format(
        run=run,
        train=len(train.digit),
        test=len(test.digit),
        epochs="1 epoch" if len(records) == 1 else f"{len(records)} epochs",
        seconds=sum(record["seconds"] for record in records),
        speed=median(record["examples_per_second"] for record in records),
        accuracies=compare_with_original(records, original, run.config.renew_statistics),
        changes=compare_with_base(run.config),
        beside=" Grey: the accuracies of the original in the same epochs." if original else "",
        digits_misread=confusion.write_total("Digits", digits),
        sums_misread=confusion.write_total("Sums", sums),
        confused=confused,
        layers=layer_table(layers),
        machine=markdown_table([("what", "value"), *describe_environment(run.devices).items()]),
    )
    blocks = (x if x[0] in "#|!`" else fill(x, PAGE_WIDTH) for x in text.strip().split("\n\n"))
    write(folder / REPORT, "\n\n".join(blocks) + "\n")


def compare_with_original(records: Records, original: Records, renewed: bool) -> str:
    runs = {"": records} | ({"original's ": original} if original else {})
    columns = [(owner, output) for owner in runs for output in COLOURS]
    rows: list[Row] = [("test accuracy", *map("".join, columns))]
    for span, epochs in ("last epoch", 1), (f"mean of the last {LAST_EPOCHS} epochs", LAST_EPOCHS):
        if len(records) >= epochs:
            means = [last_accuracies([runs[x]], f"{y}_accuracy", epochs)[0] for x, y in columns]
            rows.append((span, *(f"{100 * mean:.2f} %" for mean in means)))
    note = "Every test image is paired with all ten numbers."
    if "unseen_accuracy" in records[-1]["test"]:
        unseen = records[-1]["test"]["unseen_accuracy"]
        note += f" Of the pairs that training left out, {100 * unseen:.2f} % of the sums are right."
    if original:
        note += f" The original's log ({len(original)} epochs) pairs each image with one number."
    if original and len(records) >= LAST_EPOCHS:
        note += " Single epochs are noisy, and the original's last is its best: compare the means."
    if renewed:
        note += " Batch norm's statistics were taken anew before the last epoch's test."
    return f"{markdown_table(rows)}\n\n{note}"


def compare_with_base(config: Config) -> str:
    here, there = fields_of(config), fields_of(base())
    names = [name for name in there if here[name] != there[name] and name != "seed"]
    if not names:
        return "The config is `base`, the recipe of the original, without a change."
    rows: list[Row] = [(name, str(here[name]), str(there[name])) for name in names]
    table = markdown_table([("field", "this run", "base"), *rows])
    return f"Changes from `base`, the original's recipe (`--help` explains them):\n\n{table}"
