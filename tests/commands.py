"""Runs of commands in processes of their own, and what they leave in their work folders."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from mnist_sum.files.checkpoint import open_checkpoints, restore_latest

ROOT = Path(__file__).parents[1]
TIMES = ("seconds", "examples_per_second")  # which differ from run to run


def start(*arguments, devices=2, prefix=()):
    """Start the command as a user does, its output in pipes; `prefix` is a command to start it."""
    # Jobs that a shell has put in the background ignore SIGINT, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    environment = {"COLUMNS": "80", "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
    return subprocess.Popen(
        [*prefix, sys.executable, "-u", "-m", "experiments.run", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        cwd=ROOT,
    )


def run_python(code, folder=ROOT, **variables):
    """Run some Python elsewhere; returns its output, its errors and its exit code."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={name: value for name, value in environment.items() if value is not None},
        cwd=folder,
    )
    return finished.stdout, finished.stderr, finished.returncode


def finish(process, timeout=300):
    """Wait for a command; returns its exit code, output and errors."""
    output, errors = process.communicate(timeout=timeout)
    return process.returncode, output, errors


def run_command(*arguments, **settings):
    """Run the command to its end."""
    return finish(start(*arguments, **settings))


def succeed(*arguments):
    """Run the command, which must end well and print no error; returns its output."""
    code, output, errors = run_command(*arguments)
    assert (code, errors) == (0, "")
    return output


def result(folder):
    """Read what a run ends with: its last checkpoint, and its metrics but for the times."""
    with open_checkpoints(folder / "checkpoints") as checkpoints:
        epochs = checkpoints.all_steps()
        saved = restore_latest(checkpoints)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == saved.records
    records = [{k: x for k, x in record.items() if k not in TIMES} for record in saved.records]
    return saved.state, epochs, records
