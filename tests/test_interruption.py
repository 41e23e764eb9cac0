"""Signals: raised as interrupts, put off while something is better done whole, never lost."""

import signal

import pytest

from experiments.system.interruption import Terminated, termination_as_interrupt, uninterrupted


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
