"""The commands for a GPU: how they end is kept, and their options exist."""

import os
import subprocess

from experiments.run import RunOptions
from experiments.system.arguments import parse
from experiments.workshop.bench import BenchOptions
from tests.commands import ROOT

PYTHON = """#!/bin/sh
echo "$@"
case "$*" in *--deterministic*) exit 3 ;; esac
"""


def report(folder, *options, **variables):
    """Have all commands printed, of which two fail; returns the exit codes, and what ran."""
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    paths = {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [ROOT / "experiments/workshop/gpu/report.sh", folder / "new", *options]
    ended = subprocess.run(command, env=os.environ | paths | variables, stdout=subprocess.PIPE)
    rows = (folder / "new" / "exit_codes.txt").read_text().split()
    codes = dict(zip(rows[::2], rows[1::2], strict=True))
    logs = {name: (folder / "new" / f"{name}.log").read_text().split() for name in codes}
    return ended.returncode, codes, logs


def test_a_command_that_fails_stops_no_other_and_options_are_those_that_there_are(tmp_path):
    code, codes, logs = report(tmp_path, "--data-dir", "d")
    assert (code, len(codes)) == (1, 10)
    failed = {name for name, ended in codes.items() if ended == "3"}
    assert failed == {"deterministic", "deterministic_again"}
    for name, (_, module, *words) in logs.items():
        if module == "experiments.run":
            options = parse(RunOptions, "run", words)
            assert options.name == words[1]
            assert (options.workdir, options.resume) == (tmp_path / "new" / name, True)
            assert str(options.data.data_dir) == "d"
            assert options.seeds == (10 if name == "seeds" else 1)
    assert parse(BenchOptions, "workshop.bench", logs["bench"][2:]).name == "base"


def test_parts_can_be_picked(tmp_path):
    assert report(tmp_path, ONLY="base tf32")[:2] == (0, {"tf32": "0", "base": "0"})
