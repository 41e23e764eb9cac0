"""The devices that JAX can use, and the programs that it has compiled for them."""

import logging
import os
from pathlib import Path

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
        raise UsageError(f"JAX_NUM_CPU_DEVICES is {cores} but must be at least 1.")
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
            f"JAX_PLATFORMS is {platforms}, but JAX has no such device on this machine; "
            "unset it, or set it to cpu."
        )
    return devices, "".join(reasons[:1])[:SHOWN].strip().rstrip(".")


def keep_compiled_programs(seconds: float) -> str | None:
    """Keep programs that take at least so many seconds to compile.

    JAX_COMPILATION_CACHE_DIR names another folder, JAX_ENABLE_COMPILATION_CACHE=0 turns it off.
    Returns the reason if nothing can be kept.
    """
    jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        cache = home / "mnist_sum" / "jax"
        cache.mkdir(parents=True, exist_ok=True)
        os.utime(cache)  # raises where it cannot be written
    except (OSError, RuntimeError) as error:  # without a home folder, or one that is read-only
        return getattr(error, "strerror", None) or str(error).rstrip(".")
    jax.config.update("jax_compilation_cache_dir", str(cache))
    return None
