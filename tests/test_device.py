"""Devices: the kind that was asked for, or a sentence."""

import jax
import pytest

from experiments.arguments import UsageError
from experiments.device import choose_devices, device_name


@pytest.mark.parametrize("choice", ["auto", "cpu"])
def test_there_is_always_a_cpu(choice):
    assert choose_devices(choice) == jax.devices()


def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(UsageError, match="--device gpu needs a GPU"):
        choose_devices("gpu")


def test_a_processor_is_called_by_its_name():
    name = device_name(jax.devices()[0])
    assert len(name) > 3
    assert name != "cpu"
