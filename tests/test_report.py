"""The report: one page with all its pictures, and no figure that does not compare."""

import re

import jax
import numpy as np
import pytest

from experiments.configs import base, sample
from experiments.report.page import REPORT, write_report
from experiments.system.this_run import Run
from mnist_sum.data import Splits, load
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs
from tests.pictures import make_records


@pytest.fixture(scope="module")
def splits() -> Splits:
    """Load the sample."""
    return load("sample")


def write(folder, config, epochs: int, splits: Splits, misread: int) -> str:
    """Write the report of a model that reads the first so many images as the next digit."""
    digits = splits.test.digit + (np.arange(len(splits.test.digit)) < misread)
    log_probabilities = jax.nn.log_softmax(jax.nn.one_hot(digits % 10, 10))
    outputs = Outputs(log_probabilities, jax.nn.one_hot(all_sums(splits.test.digit), 19))
    records = make_records(epochs)
    run = Run("name", config, folder, jax.devices()[:1], splits)
    write_report(run, records, jax.device_get(outputs))
    return (folder / REPORT).read_text()


def test_report_of_the_sample_names_its_pictures_and_facts(tmp_path, splits):
    report = write(tmp_path, sample(), epochs=7, splits=splits, misread=12)
    pictures = re.findall(r"!\[.+\]\((.+)\)", report)
    written = {path.name for path in tmp_path.iterdir()}
    assert written | {"curves.png"} == {*pictures, REPORT}  # the run has drawn the curves
    assert len(pictures) == 7
    assert "Misread: 12 of 1,000 digits and 0 of 10,000 sums." in report
    assert re.search(r"last epoch +\| 99.00% +\| 98.00%", report)
    assert "mean of the last 7 epochs" in report
    assert re.search(r"learning_rate +\| 0.1 +\| 0.01", report)
    assert "1 x cpu, " in report
    assert "21,843" in report
    assert "original's" not in report  # it did not learn from the sample


def test_page_goes_from_what_was_reached_to_what_it_was_made_with(tmp_path, splits):
    report = write(tmp_path, sample(), epochs=2, splits=splits, misread=12)
    assert re.findall(r"^##? .+|(?<=\()\w+\.png|(?<=text\n)layer\b", report, re.MULTILINE) == [
        "# MNIST sum, config name",
        "## Answers",
        "answers.png",
        "## Curves",
        "curves.png",
        "## Mistakes",
        "mistakes.png",
        "## What is taken for what",
        "confusion_digit.png",
        "confusion_sum.png",
        "## Network",
        "layer",
        "model.png",
        "## Data",
        "samples.png",
        "## Machine",
    ]
    head, _ = report.split("## Answers")
    trained, reached, departs = map(head.index, ("trained on", "test accuracy", "It departs"))
    assert trained < reached < departs
    sentence = " ".join(head.split())
    assert (
        "It was trained on 4,000 images of `sample` for 2 epochs, in 4 s (2,000 images a second), "
        "and tested on 1,000 others."
    ) in sentence
    _, machine = report.split("## Machine")
    assert "jaxlib" in machine


def test_report_of_one_epoch_of_base_without_mistakes(tmp_path, splits):
    report = write(tmp_path, base(), epochs=1, splits=splits, misread=0)
    assert re.search(r"digit +\| sum +\| original's digit +\| original's sum", report)
    assert re.search(r"last epoch +\| 99.00% +\| 98.00% +\| 99.32% +\| 99.16%", report)
    assert "mean of the last" not in report
    assert "No digit was taken for another." in report
    assert "without a change" in report
    assert "for 1 epoch, in 2 s" in " ".join(report.split())
