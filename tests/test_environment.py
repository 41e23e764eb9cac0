"""The environment: every fact has a value, and what only some systems have is not needed."""

import subprocess
import sys

import jax

from experiments.system.environment import describe_environment
from tests.commands import ROOT


def test_device_and_versions_are_named():
    facts = describe_environment(jax.local_devices())
    assert facts["device"].startswith(f"{jax.local_device_count()} x cpu, ")
    assert facts["jax"] == jax.__version__
    assert "memory" not in facts  # a processor has none of its own
    assert all(facts.values())


ELSEWHERE = """
import os, signal
for name in ("setsid", "sched_getaffinity", "sched_setaffinity"):
    delattr(os, name)
for name in ("SIGPIPE", "SIGKILL", "SIGHUP"):
    delattr(signal, name)
import experiments.run, experiments.summarize, experiments.describe
from mnist_sum.terminal import exit_code
from experiments.system.device import available_cores
from experiments.training.seeds import share_cores
def stop():
    raise BrokenPipeError
print(available_cores() > 0, share_cores(2, "cpu"), flush=True)
raise SystemExit(exit_code(stop))
"""


def test_what_only_unix_has_is_not_needed():
    command = [sys.executable, "-c", ELSEWHERE]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (finished.stdout, finished.stderr) == ("True [[]]\n", "")
    assert finished.returncode == 128 + 13
