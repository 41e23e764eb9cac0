"""Signals: raised as interrupts, put off while something is better done whole, never lost."""

import gc
import random
import signal
import subprocess
import sys
import time

import pytest

from experiments.system.interruption import (
    Terminated,
    end_at_once,
    end_at_once_if_interrupted,
    termination_as_interrupt,
    uninterrupted,
)
from tests.commands import ROOT


@pytest.fixture(autouse=True)
def sigint_is_heard():
    """Undo what a shell does to its jobs in the background: they ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_termination_is_an_interrupt_only_inside():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), termination_as_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_an_interrupt_is_put_off_to_the_end(number, kind):
    done = []

    @uninterrupted()
    def work():
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append("all of it")

    with termination_as_interrupt():
        with pytest.raises(kind):
            work()
        with pytest.raises(kind):
            signal.raise_signal(number)
    assert done == ["all of it"]


def test_an_error_is_not_hidden():
    with pytest.raises(OSError, match="full"), uninterrupted():
        raise OSError("full")


def test_ctrl_c_ends_a_command_at_once_but_while_there_is_something_to_save():
    end_at_once_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is end_at_once
    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is end_at_once


def test_what_a_shell_ignores_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_at_once_if_interrupted()
    with termination_as_interrupt():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_who_imports_the_package_keeps_the_handler_that_python_has():
    show = "import signal, experiments.run; print(signal.getsignal(signal.SIGINT).__name__)"
    command = [sys.executable, "-c", show]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert finished.stdout == "default_int_handler\n"


def interrupt_after(modules):
    """Interrupt a command once it has imported so many modules, from its own first one on."""
    command = [sys.executable, "-X", "importtime", "-m", "experiments.run", "--config", "smoke"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        lines, others, begun = 0, [], False
        for line in process.stderr:
            others += [] if line.startswith("import time:") else [line]
            begun |= line.endswith("| experiments\n")
            lines += begun
            if lines == modules:
                process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    return process.returncode, output, others


CHANCE = random.Random(0)


@pytest.mark.parametrize(
    "modules",
    [
        *(1, 200, 800, 1400),
        *(pytest.param(CHANCE.randrange(1, 1500), marks=pytest.mark.long) for _ in range(15)),
    ],
)
def test_a_command_that_is_interrupted_while_it_imports_ends_without_a_traceback(modules):
    assert interrupt_after(modules) == (130, "", ["\n", "Interrupted.\n"])


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_an_interrupt_that_falls_into_a_callback_is_not_lost(number, kind):
    def callback(*_):
        gc.callbacks.remove(callback)
        signal.raise_signal(number)

    def collect():
        gc.callbacks.append(callback)
        gc.collect()
        time.sleep(10)

    with pytest.raises(kind), termination_as_interrupt():
        collect()
