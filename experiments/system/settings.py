"""The settings of JAX, of its environment variables for instance, that decide the bits of a run."""

from collections.abc import Mapping
from typing import Any

import jax

SETTINGS = (
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_random_seed_offset",
    "jax_enable_x64",
)
OF_ACCELERATORS = ("jax_default_matmul_precision",)


def current_settings(device: jax.Device) -> dict[str, Any]:
    """Read the settings that decide the bits on a device, for JSON."""
    names = SETTINGS if device.platform == "cpu" else SETTINGS + OF_ACCELERATORS
    return {name: getattr(jax.config, name) for name in names}


def list_changes(noted: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Name the settings that differ, of those in both, as environment variables; empty if none."""
    names = [name for name in now if name in noted and noted[name] != now[name]]
    return ", ".join(f"{name.upper()} was {noted[name]} and is {now[name]}" for name in names)
