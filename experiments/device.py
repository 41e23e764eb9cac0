"""Which device a run computes on, and how it is called."""

import platform
from pathlib import Path
from typing import Literal

import jax

from experiments.arguments import UsageError

DeviceChoice = Literal["auto", "cpu", "gpu"]


def choose_devices(choice: DeviceChoice) -> list[jax.Device]:
    """List the devices of the chosen kind; `auto` takes a GPU where there is one."""
    if choice == "cpu":
        jax.config.update("jax_platforms", "cpu")  # a GPU that is there is not even opened
    try:
        return jax.local_devices(backend=None if choice == "auto" else choice)
    except RuntimeError:
        raise UsageError(
            "--device gpu needs a GPU that JAX can use, and there is none; install the extra "
            "'cuda12' or 'cuda13' on a machine that has one, or use --device cpu."
        ) from None


def describe(device: jax.Device) -> str:
    """Name the model of a device; JAX calls every processor just 'cpu'."""
    return processor_name() if device.platform == "cpu" else device.device_kind


def processor_name() -> str:
    """Ask the operating system for the processor's name."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
