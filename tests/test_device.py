"""Devices: the kind that was asked for, or a sentence."""

import os
import subprocess
import sys

import jax
import pytest

from experiments.system.arguments import UsageError
from experiments.system.device import choose_devices, device_name, make_deterministic


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


def test_the_first_so_many_devices_are_taken():
    assert choose_devices("cpu", 3) == jax.devices()[:3]


@pytest.mark.parametrize("count", [0, 9, -1])
def test_more_devices_than_there_are_is_one_sentence(count):
    with pytest.raises(UsageError, match=rf"^--devices is {count} and must be 1 .. 8"):
        choose_devices("auto", count)


def test_deterministic_adds_to_the_flags_that_are_set(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/nowhere")
    make_deterministic()
    assert os.environ["XLA_FLAGS"] == "--xla_dump_to=/nowhere --xla_gpu_deterministic_ops=true"


@pytest.mark.parametrize(("batch_size", "count"), [(16, 8), (12, 6), (7, 7), (11, 1)])
def test_a_processor_takes_as_many_cores_as_divide_the_batch(batch_size, count):
    assert choose_devices("auto", None, batch_size) == jax.devices()[:count]


def test_each_core_that_a_process_may_use_is_a_device():
    show = (
        "import os, jax; from experiments.system.device import choose_devices;"
        "print(len(os.sched_getaffinity(0)), len(choose_devices('cpu')))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    found = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, env=environment, check=True
    )
    cores, devices = found.stdout.split()
    assert cores == devices
