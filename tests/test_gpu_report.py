"""The report of a GPU: how its commands ended, and what its runs reached."""

import json

import pytest

from experiments.run import RunOptions
from experiments.system.arguments import parse
from experiments.workshop.gpu import report


def metrics(seconds, digit):
    test = {"digit_accuracy": digit, "sum_accuracy": 0.5}
    return json.dumps({"train": {}, "test": test, "seconds": seconds}) + "\n"


def test_a_command_that_fails_stops_no_other_and_runs_are_compared(tmp_path, monkeypatch):
    programs = {"slow": "timeit while(1):pass", "bad": "timeit error", "good": "platform"}
    monkeypatch.setattr(report, "COMMANDS", programs)
    monkeypatch.setattr(report, "LIMIT", ("timeout", "3"))
    for run, seconds, digit in (("a", 1.5, 0.25), ("b", 2.5, 0.25), ("c", 1.5, 0.75)):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "metrics.jsonl").write_text(metrics(9, 0.1) + metrics(seconds, digit))
    assert report.main([str(tmp_path), "--small"]) == 1
    assert "NameError" in (tmp_path / "bad.log").read_text()
    page = (tmp_path / "report.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    cells = {row[0]: row[1:] for row in rows if row}
    assert [cells[name][0] for name in programs] == ["124", "1", "0"]
    assert cells["a"][:4] == ["2", "5.25", "25.00", "50.00"]
    assert cells["b"][1] == "5.75"
    assert cells["a"][4] == cells["b"][4] != cells["c"][4]


@pytest.mark.parametrize("name", report.COMMANDS)
def test_every_run_has_options_that_there_are(name):
    module, *words = report.COMMANDS[name].split()
    if module == report.RUN:
        config, options = parse(RunOptions, "run", words)
        assert config in report.COMMANDS[name]
        assert options.seeds == (10 if name == "seeds" else 1)
