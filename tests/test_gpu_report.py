"""The commands for a GPU: how they end is kept, and their options exist."""

import json

import pytest

from experiments.run import RunOptions
from experiments.system.arguments import parse
from experiments.workshop.gpu import report


def test_a_command_that_fails_stops_no_other(tmp_path, monkeypatch):
    programs = {"slow": "timeit while(1):pass", "bad": "timeit error", "good": "platform"}
    monkeypatch.setattr(report, "COMMANDS", programs)
    monkeypatch.setattr(report, "LIMIT", ("timeout", "3"))
    assert report.main([str(tmp_path / "new")]) == 1
    codes = json.loads((tmp_path / "new" / "exit_codes.json").read_text())
    assert codes == {"slow": 124, "bad": 1, "good": 0}
    assert "NameError" in (tmp_path / "new" / "bad.log").read_text()


@pytest.mark.parametrize("name", report.COMMANDS)
def test_every_run_has_options_that_there_are(name):
    module, *words = report.COMMANDS[name].split()
    if module == report.RUN:
        config, options = parse(RunOptions, "run", words)
        assert config in report.COMMANDS[name]
        assert options.seeds == (10 if name == "seeds" else 1)
