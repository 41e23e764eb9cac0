"""Which devices a run computes on, how they compute, and what else it runs on."""

import dataclasses
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import jax

from mnist_sum.devices import find_devices
from mnist_sum.errors import UsageError
from mnist_sum.version import VERSION

DeviceChoice = Literal["auto", "cpu", "gpu"]
IN_GRAPHS = (
    "FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL,DYNAMIC_SLICE_FUSION,CONDITIONAL,WHILE,CONVOLUTION"
)
"""All that XLA may put into a CUDA graph; by itself it leaves out loops and convolutions."""
CGROUPS, OWN_GROUPS = "/sys/fs/cgroup", "/proc/self/cgroup"
PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "numpy")
SETTINGS = (
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_random_seed_offset",
    "jax_enable_x64",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """How to compute; the defaults suit most machines."""

    devices: int | None = None
    """Devices to split each batch over; by default all GPUs, or as many cores as divide it."""
    deterministic: bool = False
    """Have a GPU compute the same bits every time, in float32, but slower; a CPU always does."""
    precision: Literal["float32", "tf32"] = "float32"
    """How a GPU multiplies: float32 as a CPU does; tf32 with 10 of 23 bits, a thousandth off."""
    whole_graph: bool = False
    """Have a GPU take all steps of a call as one CUDA graph; not tried on a card yet."""
    profile: Path | None = None
    """Folder for a profile of some steps, for TensorBoard or ui.perfetto.dev; none if not given."""


def set_up_devices(
    choice: DeviceChoice, options: ComputeOptions, batch_size: int
) -> list[jax.Device]:
    """Set how JAX computes, and choose its devices; raises UsageError."""
    if options.deterministic:
        add_xla_flag("--xla_gpu_deterministic_ops=true")
    if options.whole_graph:
        add_xla_flag(f"--xla_gpu_enable_command_buffer={IN_GRAPHS}")
    devices = choose_devices(choice, options.devices, batch_size)
    if devices[0].platform != "cpu":  # which always multiplies in float32
        rough = options.precision == "tf32" and not options.deterministic
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if rough else "highest")
    return devices


def choose_devices(
    choice: DeviceChoice, count: int | None = None, batch_size: int | None = None
) -> list[jax.Device]:
    """List the first N devices of the chosen kind; `auto` takes GPUs where there are any.

    Without a count these are all, or on a processor the most among which a batch divides. A
    processor has a device for every core that may be used, or as many as JAX_NUM_CPU_DEVICES says:
    a core with its own part of a batch is quicker than one that shares in some 400 small kernels.
    Call before JAX first looks for devices; raises UsageError if there are fewer.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        with suppress(RuntimeError):  # if JAX has looked already, as in a notebook
            jax.config.update("jax_num_cpu_devices", available_cores())
    if choice == "cpu":
        jax.config.update("jax_platforms", "cpu")  # a GPU that is there is not even opened
    platforms = os.environ.get("JAX_PLATFORMS")
    devices, reason = find_devices(None if choice == "auto" else choice)
    because = f" ({reason})" if reason else ""
    if not devices:
        ruled_out = f", which JAX_PLATFORMS={platforms} rules out" if platforms else ""
        raise UsageError(
            f"--device gpu needs a GPU that JAX can use{ruled_out}, and there is none{because}; "
            "install the extra 'cuda12' or 'cuda13' on a machine that has one, or use --device cpu."
        )
    if choice == "auto" and not platforms and because:
        print(f"No GPU is used{because}.", file=sys.stderr)
    if count is not None and jax.process_count() > 1:
        raise UsageError("--devices needs a single process; several use all of theirs.")
    if count is not None and not 1 <= count <= len(devices):
        raise UsageError(f"--devices is {count} but must be 1 .. {len(devices)}.")
    if count is None and batch_size and devices[0].platform == "cpu" and jax.process_count() == 1:
        count = max(n for n in range(1, len(devices) + 1) if batch_size % n == 0)
    return devices[:count]


def own_cores() -> list[int]:
    """List the cores that this process may run on; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def available_cores() -> int:
    """Count the cores that this process may use, at least one: a container may allow part of all.

    Its quota does not say which ones: a process that ran on all would be stopped most of the time.
    """
    return max(1, int(min([len(own_cores()) or os.cpu_count() or 1, *quotas()])))


def quotas() -> Iterator[float]:
    """Yield how many cores each control group of this process allows, if it has a limit."""
    groups = [""]
    with suppress(OSError):  # of a system without such files
        lines = Path(OWN_GROUPS).read_text(encoding="utf-8").split()
        groups += [line.rpartition(":/")[2] for line in lines]
    for group in groups:
        version_1 = f"cpu/{group}/cpu.cfs_quota_us", f"cpu/{group}/cpu.cfs_period_us"
        for files in [f"{group}/cpu.max"], version_1:
            with suppress(OSError):
                texts = (Path(f"{CGROUPS}/{file}").read_text("utf-8") for file in files)
                quota, period = " ".join(texts).split()
                if quota not in ("max", "-1"):
                    yield int(quota) / int(period)


def add_xla_flag(flag: str) -> None:
    """Add to the flags that XLA reads when JAX first looks for devices, for all programs.

    The compiler_options of jax.jit would raise where a function is called within another.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} {flag}".strip()


def current_settings(device: jax.Device) -> dict[str, Any]:
    """Read the settings of JAX, of its environment variables for instance, that decide the bits."""
    of_accelerators = () if device.platform == "cpu" else ("jax_default_matmul_precision",)
    return {name: getattr(jax.config, name) for name in (*SETTINGS, *of_accelerators)}


def device_name(device: jax.Device) -> str:
    """Name the model of a device; JAX calls every processor just 'cpu'."""
    if device.platform != "cpu":
        return device.device_kind
    with suppress(OSError):  # of a system without this file
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        if model := re.search(r"^model name\s*: (.+)$", information, re.MULTILINE):
            return model[1]
    return platform.processor() or platform.machine()


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
