"""The report: one page with all its pictures and tables, and no figure that does not compare."""

import dataclasses
import re
from statistics import mean

import jax
import numpy as np
import pytest

from experiments.configs import base, sample
from experiments.report import markdown_table, original_records, text_table
from experiments.report.layers import Layer, layer_table, list_layers
from experiments.report.page import write_report
from experiments.system.workdir import Run
from mnist_sum.data import load
from mnist_sum.learning.batch import all_sums
from mnist_sum.learning.model import Outputs
from mnist_sum.recipe import Recipe
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
        "mistakes.png ## Confusions confusion_digit.png confusion_sum.png "
        "## Network layer model.png ## Data samples.png ## Machine"
    )
    pictures = {path.name for path in tmp_path.iterdir()} - {"report.md"}
    assert pictures | {"curves.png"} == {*re.findall(r"\w+\.png", report)}  # the run drew those
    assert {size_of_png(tmp_path / name)[0] for name in pictures} == {1280}
    head, body = report.split("## Answers")
    sentence = (
        "It was trained on 4,000 images of `sample` for 7 epochs, in 14 s (a typical epoch: 2,000 "
        "images a second), and tested on 1,000 others."
    )
    trained, reached, departs = map(" ".join(head.split()).index, (sentence, "test acc", "Changes"))
    assert trained < reached < departs
    assert re.search(r"last epoch +\| 99.00 % +\| 98.00 %", head)
    assert "mean of the last 7 epochs" in head
    assert re.search(r"learning_rate +\| 0.1 +\| 0.01", head)
    assert not re.search("original's [lds]", head)  # it did not learn from the sample
    assert "Digits: 12 of 1,000 misread (1.20 %). Sums: 0 of 10,000 misread (0.00 %)." in body
    assert re.search(r"21,843.+## Machine.+1 x cpu, .+mnist_sum.+jaxlib", body, re.DOTALL)
    assert max(len(line) for line in report.splitlines() if line[:1] not in "|!") <= 100


def test_report_of_one_epoch_of_base_without_mistakes(tmp_path):
    report = write(tmp_path, base(), epochs=1, misread=0)
    assert re.search(r"digit +\| sum +\| original's digit +\| original's sum", report)
    assert re.search(r"last epoch +\| 99.00 % +\| 98.00 % +\| 99.32 % +\| 99.16 %", report)
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


ORIGINAL = """
    conv 10 26 26 90     norm 10 26 26 20   relu 10 26 26 0   dropout 10 26 26 0
    conv 10 24 24 900    norm 10 24 24 20   relu 10 24 24 0   dropout 10 24 24 0
    conv 15 22 22 1350   norm 15 22 22 30   relu 15 22 22 0   max_pool 15 11 11 0
    conv 10 11 11 150    norm 10 11 11 20   relu 10 11 11 0   dropout 10 11 11 0
    conv 10 9 9 900      norm 10 9 9 20     relu 10 9 9 0     dropout 10 9 9 0
    conv 10 7 7 900      norm 10 7 7 20     relu 10 7 7 0     dropout 10 7 7 0
    conv 10 5 5 900      norm 10 5 5 20     relu 10 5 5 0     dropout 10 5 5 0
    conv 10 1 1 2500
    dense 32 672         norm 32 64         relu 32 0         dropout 32 0
    dense 64 2112        norm 64 128        relu 64 0         dropout 64 0
    dense 128 8320       norm 128 256       relu 128 0        dropout 128 0
    dense 19 2451
"""


LAYERS = list_layers(Recipe())


def test_layers_are_those_of_the_original_with_their_shapes_and_parameters():
    kinds = [layer.name.rpartition("/")[2].rstrip("0123456789") for layer in LAYERS]
    rows = zip(kinds, LAYERS, strict=True)
    words = [str(x) for kind, layer in rows for x in (kind, *layer.shape, layer.parameters)]
    assert words == ORIGINAL.split()
    table = layer_table(LAYERS).splitlines()
    assert table[-1].split() == ["total", "21,843"]
    assert max(map(len, table)) <= 80  # columns of a terminal
    names = [layer.name for layer in LAYERS]
    assert names[:3] == ["encoder/block1/conv", "encoder/block1/norm", "encoder/block1/relu"]
    assert (names[11], names[-1]) == ("encoder/max_pool", "adder/dense4")
    assert len(set(names)) == len(names)


def test_what_does_nothing_is_no_layer_and_the_exact_adder_is_one():
    kept = [layer for layer in LAYERS if not layer.name.endswith("dropout")]
    assert list_layers(Recipe(dropout_rate=0.0)) == kept
    assert list_layers(Recipe(adder="exact"))[-1] == Layer("adder", (19,))


def test_receptive_fields_are_those_of_the_original():
    rows = [line.split() for line in layer_table(LAYERS).splitlines() if line.count(" x ") > 2]
    assert " ".join(rows[-1]) == "encoder/conv8 10 x 1 x 1 2,500 5 x 5 1 28 x 28"
    assert [int(row[-1]) for row in rows] == [3, 5, 7, 8, 8, 12, 16, 20, 28]
    assert [row[-4] for row in rows] == [*"111211111"]
