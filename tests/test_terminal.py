"""How commands end: exit codes, sentences, signals, terminals that lack characters or are gone."""

import gc
import io
import random
import signal
import sys
import time

import pytest

from experiments.system.interruption import end_on_ctrl_c
from mnist_sum.errors import UsageError
from mnist_sum.terminal import exit_code, stopping_on_signals, uninterrupted
from tests.commands import start

STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def signals_are_heard():
    """Undo what a shell, or nohup, does to a job in the background: it ignores some signals."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("command", "code", "errors"),
    [
        (lambda: None, 0, ""),
        (lambda: 3, 3, ""),
        (lambda: fail(UsageError("This cannot be done.")), 2, "error: This cannot be done.\n"),
        (lambda: fail(SystemExit(2)), 2, ""),
        (lambda: fail(KeyboardInterrupt), 130, "\nInterrupted.\n"),
        (lambda: signal.raise_signal(signal.SIGINT), 130, "\nInterrupted.\n"),
        (lambda: signal.raise_signal(signal.SIGTERM), 143, "\nInterrupted.\n"),
        (lambda: signal.raise_signal(signal.SIGHUP), 129, "\nInterrupted.\n"),
    ],
)
def test_every_end_has_its_exit_code_and_its_sentence(command, code, errors, capsys):
    before = [signal.getsignal(number) for number in STOPS]
    assert exit_code(command) == code
    assert capsys.readouterr() == ("", errors)
    assert [signal.getsignal(number) for number in STOPS] == before
    with pytest.raises(RuntimeError):  # an error of ours is not hidden
        exit_code(lambda: fail(RuntimeError()))


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    assert exit_code(lambda: signal.raise_signal(signal.SIGHUP)) == 0
    signal.signal(signal.SIGHUP, before)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_on_ctrl_c()  # while a command imports
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_characters_that_a_terminal_lacks_are_escaped(encoding, monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", shown)
    assert exit_code(lambda: print("runs/übung/☃")) == 0
    escaped = "runs/übung/☃".encode(encoding, "backslashreplace")
    assert shown.buffer.getvalue() == escaped + b"\n"


def test_a_closed_output_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert exit_code(lambda: print(sys.stdout.isatty(), flush=True)) == 0
    sys.stdout.close()


@pytest.mark.parametrize("arguments", ["--help", "--config smoke --epochs 1"])
def test_who_stops_to_read_gets_no_traceback(arguments, tmp_path):
    with start(*arguments.split(), "--workdir", tmp_path / "run") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_is_put_off_to_the_end_of_what_is_better_done_whole(number):
    done = []

    @uninterrupted()
    def work():
        signal.raise_signal(number)
        signal.raise_signal(number)
        done.append("all of it")

    with stopping_on_signals():
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt) as stop:
                work()
            assert stop.value.args == (number,)
    assert done == ["all of it"] * 2
    with pytest.raises(OSError, match="full"), uninterrupted():
        raise OSError("full")


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_that_falls_into_a_callback_is_not_lost(number):
    def callback(*_):
        gc.callbacks.remove(callback)
        signal.raise_signal(number)

    def collect():
        gc.callbacks.append(callback)
        gc.collect()
        time.sleep(10)

    with pytest.raises(KeyboardInterrupt) as stop, stopping_on_signals():
        collect()
    assert stop.value.args == (number,)


CHANCE = [random.Random(seed).randrange(1, 1500) for seed in range(15)]


@pytest.mark.parametrize(
    "modules", [1, 200, 1400, *(pytest.param(x, marks=pytest.mark.long) for x in CHANCE)]
)
def test_ctrl_c_ends_a_command_that_imports_without_a_traceback(modules, monkeypatch):
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    with start("--config", "smoke") as process:
        count, others, begun = 0, [], False
        for line in process.stderr:
            others += [] if line.startswith("import time:") else [line]
            begun |= line.endswith("| dataclasses\n")  # the first after the handler
            count += begun
            if count == modules:
                process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert (process.returncode, output, others) == (130, "", ["\n", "Interrupted.\n"])
