"""The report: one page with all its pictures and tables, and no figure that does not compare."""

import dataclasses
import re
from statistics import mean

import jax
import numpy as np
import pytest

from experiments.configs import base, sample
from experiments.report import markdown_table, text_table
from experiments.report.page import write_report
from experiments.report.records import original_records
from experiments.system.this_run import Run
from mnist_sum.data import load
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs
from tests.pictures import make_records, size_of_png


def write(folder, config, epochs: int, misread: int) -> str:
    splits = load("sample")
    digits = splits.test.digit + (np.arange(len(splits.test.digit)) < misread)  # the next one
    log_probabilities = jax.nn.log_softmax(jax.nn.one_hot(digits % 10, 10))
    outputs = Outputs(log_probabilities, jax.nn.one_hot(all_sums(splits.test.digit), 19))
    run = Run("name", config, folder, jax.devices()[:1], splits)
    write_report(run, make_records(epochs), jax.device_get(outputs))
    return (folder / "report.md").read_text()


def test_page_goes_from_what_was_reached_to_what_it_was_made_with(tmp_path):
    report = write(tmp_path, sample(), epochs=7, misread=12)
    shown = re.findall(r"^##? .+|(?<=\()\w+\.png|(?<=text\n)layer\b", report, re.MULTILINE)
    assert " ".join(shown) == (
        "# MNIST sum, config name ## Answers answers.png ## Curves curves.png ## Mistakes "
        "mistakes.png ## What is taken for what confusion_digit.png confusion_sum.png "
        "## Network layer model.png ## Data samples.png ## Machine"
    )
    pictures = {path.name for path in tmp_path.iterdir()} - {"report.md"}
    assert pictures | {"curves.png"} == {*re.findall(r"\w+\.png", report)}  # the run drew those
    assert {size_of_png(tmp_path / name)[0] for name in pictures} == {1280}
    head, body = report.split("## Answers")
    sentence = (
        "It was trained on 4,000 images of `sample` for 7 epochs, in 14 s (2,000 images a second), "
        "and tested on 1,000 others."
    )
    trained, reached, departs = map(" ".join(head.split()).index, (sentence, "test acc", "It dep"))
    assert trained < reached < departs
    assert re.search(r"last epoch +\| 99.00% +\| 98.00%", head)
    assert "mean of the last 7 epochs" in head
    assert re.search(r"learning_rate +\| 0.1 +\| 0.01", head)
    assert "original's" not in head  # it did not learn from the sample
    assert "Digits: 12 of 1,000 misread (1.20%). Sums: 0 of 10,000 misread (0.00%)." in body
    assert re.search(r"21,843.+## Machine.+1 x cpu, .+mnist_sum.+jaxlib", body, re.DOTALL)
    assert max(len(line) for line in report.splitlines() if line[:1] not in "|!") <= 100


def test_report_of_one_epoch_of_base_without_mistakes(tmp_path):
    report = write(tmp_path, base(), epochs=1, misread=0)
    assert re.search(r"digit +\| sum +\| original's digit +\| original's sum", report)
    assert re.search(r"last epoch +\| 99.00% +\| 98.00% +\| 99.32% +\| 99.16%", report)
    assert "mean of the last" not in report
    for words in ("No digit was taken for another.", "without a change", "for 1 epoch, in 2 s"):
        assert words in " ".join(report.split())


def test_the_original_reached_what_it_is_known_by():
    records = original_records(base())
    assert len(records) == 25
    assert records[0]["train"] == {"digit_accuracy": 0.9344, "sum_accuracy": 0.6947}
    assert records[-1]["test"] == {"digit_accuracy": 0.9932, "sum_accuracy": 0.9916}
    for output, average in (("digit", 0.9922), ("sum", 0.9906)):
        last = [record["test"][f"{output}_accuracy"] for record in records[-7:]]
        assert mean(last) == pytest.approx(average, abs=5e-5)
    assert original_records(sample()) == []
    assert original_records(dataclasses.replace(base(), held_out=5000)) == []


def test_words_are_aligned_left_and_integers_right():
    rows = [("name", "count"), ("1e-3", 1234), ("0.10", 5)]
    assert text_table(rows) == "name      count\n1e-3      1,234\n0.10          5"
    assert markdown_table(rows).splitlines()[1:3] == [
        "|:-------|--------:|",
        "| 1e-3   |   1,234 |",
    ]
