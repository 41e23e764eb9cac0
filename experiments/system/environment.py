"""What a program runs on: devices, operating system, versions."""

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jax

from experiments.system.device import device_name
from mnist_sum.version import VERSION

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "numpy")


def describe_environment(devices: list[jax.Device]) -> dict[str, str]:
    first = devices[0]
    facts = {"device": f"{len(devices)} x {first.platform}, {device_name(first)}"}
    memory: dict[str, Any] = first.memory_stats() or {}  # processors report none
    if "bytes_limit" in memory:
        facts["memory"] = f"{memory['bytes_limit'] / 2**30:.1f} GiB that JAX may use on each"
    facts |= {"cores": str(os.cpu_count()), "system": platform.platform(terse=True)}
    facts |= {"python": platform.python_version(), "mnist_sum": VERSION}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):  # what only prepares data may be missing
            facts[package] = version(package)
    return facts
