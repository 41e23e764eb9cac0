"""The record of the original, which only runs on all of MNIST are compared with."""

import dataclasses
from statistics import mean

import pytest

from experiments.configs import base, sample
from experiments.report.records import original_records


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
