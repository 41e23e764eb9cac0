"""Which device a run computes on, how it is called, and where its compiled programs are kept."""

import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import jax

from mnist_sum import program_cache as compiled
from mnist_sum.devices import find_devices
from mnist_sum.errors import UsageError

DeviceChoice = Literal["auto", "cpu", "gpu"]
Precision = Literal["float32", "tf32"]
IN_GRAPHS = (
    "FUSION",
    "CUBLAS",
    "CUBLASLT",
    "CUDNN",
    "CUSTOM_CALL",
    "DYNAMIC_SLICE_FUSION",
    "CONDITIONAL",
    "WHILE",
    "CONVOLUTION",
)
"""What XLA may put into a CUDA graph."""
WORTH_KEEPING_SECONDS = 0.3  # to compile; less is not worth a file


def choose_devices(
    choice: DeviceChoice, count: int | None = None, batch_size: int | None = None
) -> list[jax.Device]:
    """List the first so many devices of the chosen kind; `auto` takes GPUs where there are.

    Without a count these are all, or on a processor the most among which a batch divides. A
    processor has a device for every core. Call before JAX first looks for devices; raises
    UsageError if there are fewer.
    """
    make_a_device_of_each_core()
    if choice == "cpu":
        jax.config.update("jax_platforms", "cpu")  # a GPU that is there is not even opened
    devices = devices_of(choice)
    if jax.process_count() > 1:
        if count is not None:
            raise UsageError("--devices is for a process on its own; several use all of theirs.")
        return devices
    if count is None and batch_size is not None and devices[0].platform == "cpu":
        count = max(n for n in range(1, len(devices) + 1) if batch_size % n == 0)
    if count is None:
        return devices
    if not 1 <= count <= len(devices):
        raise UsageError(f"--devices is {count} and must be 1 .. {len(devices)}, as many as are.")
    return devices[:count]


def devices_of(choice: DeviceChoice) -> list[jax.Device]:
    """List all devices of the chosen kind; raises UsageError if there is none."""
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
    return devices


def make_a_device_of_each_core() -> None:
    """Let JAX see a device in every core of the processor that this process may use.

    A step on small images is some 400 small kernels: a core that computes its own part of the batch
    is quicker than one that shares in every kernel. JAX_NUM_CPU_DEVICES says another number.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        with suppress(RuntimeError):  # if JAX has looked already, as in a notebook
            jax.config.update("jax_num_cpu_devices", available_cores())


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_deterministic() -> None:
    """Have GPUs compute the same bits every time; call before JAX first looks for devices."""
    add_xla_flag("--xla_gpu_deterministic_ops=true")


def launch_whole_calls() -> None:
    """Have a GPU take all steps of a call as one CUDA graph, its loop and convolutions included.

    XLA leaves those two out by itself: it launches a loop's kernels one by one, and asks the host
    after every step. Call before JAX first looks for devices.
    """
    add_xla_flag(whole_call_flag())


def whole_call_flag() -> str:
    """Write the flag that puts into a graph whatever XLA can put there."""
    return f"--xla_gpu_enable_command_buffer={','.join(IN_GRAPHS)}"


def add_xla_flag(flag: str) -> None:
    """Add to the flags that XLA reads when JAX first looks for devices, for all programs.

    The compiler_options of jax.jit would raise where a function is called within another.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} {flag}".strip()


def use_precision(precision: Precision, device: jax.Device) -> None:
    """Say how a GPU is to multiply; a processor multiplies in float32 whatever is said."""
    if device.platform != "cpu":
        products = {"float32": "highest", "tf32": "tensorfloat32"}[precision]
        jax.config.update("jax_default_matmul_precision", products)


def device_name(device: jax.Device) -> str:
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


def keep_compiled_programs() -> None:
    """Keep compiled programs, so that a second run starts at once; or say why none are kept."""
    if reason := compiled.keep_compiled_programs(WORTH_KEEPING_SECONDS):
        print(f"Compiled programs are not kept ({reason}).", file=sys.stderr)
