"""The devices that JAX can use, or a sentence on why there are none."""

import logging
import os

import jax

from mnist_sum.errors import UsageError

SHOWN = 200  # characters of a reason that JAX gives


def use_processor() -> None:
    """Compute on the processor, which is there at once, unless JAX_PLATFORMS says otherwise.

    Call before JAX first looks for devices; raises UsageError if what it says cannot be used.
    """
    if not os.environ.get("JAX_PLATFORMS"):
        jax.config.update("jax_platforms", "cpu")
    find_devices()


def find_devices(kind: str | None = None) -> tuple[list[jax.Device], str]:
    """List all devices of a kind, or of the one that JAX prefers, and say why it uses no GPU.

    The reason is empty if JAX gives none, the list if there is no such device; JAX's own lines and
    tracebacks about it are not shown. Raises UsageError where JAX_PLATFORMS or JAX_NUM_CPU_DEVICES
    leaves nothing to compute on.
    """
    platforms, cores = (getattr(jax.config, f"jax_{x}") for x in ("platforms", "num_cpu_devices"))
    if cores < 1 and cores != -1:  # which stands for no choice
        raise UsageError(f"JAX_NUM_CPU_DEVICES is {cores} and must be at least 1.")
    reasons: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        """Keep the first line of what JAX would show with its traceback."""
        if record.levelno < logging.WARNING:
            return True
        error = record.exc_info[1] if record.exc_info else record.getMessage()
        reasons.extend(str(error).splitlines()[:1])
        return False

    logger = logging.getLogger("jax._src.xla_bridge")
    logger.addFilter(collect)
    try:
        devices = jax.devices(kind)
    except (RuntimeError, AssertionError):  # JAX asserts that there is one
        devices = []
    finally:
        logger.removeFilter(collect)
    if not devices and kind is None:
        raise UsageError(
            f"JAX_PLATFORMS is {platforms}, and JAX can use no such device of this machine; leave "
            "it out, or set it to cpu."
        )
    return devices, "".join(reasons[:1])[:SHOWN].strip().rstrip(".")
