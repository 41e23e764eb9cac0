"""Compiled programs, kept in the user's cache folder for the next time."""

import os
from pathlib import Path
from tempfile import TemporaryFile

import jax


def keep_compiled_programs(seconds: float) -> str | None:
    """Keep programs that take at least so many seconds to compile.

    JAX_COMPILATION_CACHE_DIR names another folder, JAX_ENABLE_COMPILATION_CACHE=0 turns it off.
    Where there is no such folder and none can be made, nothing is kept; returns the reason then.
    """
    jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        cache = home / "mnist_sum" / "jax"
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=cache):
            pass
    except (OSError, RuntimeError) as error:  # without a home folder, or one that is read-only
        return getattr(error, "strerror", None) or str(error).rstrip(".")
    jax.config.update("jax_compilation_cache_dir", str(cache))
    return None
