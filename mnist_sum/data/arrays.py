"""Arrays by name in one .npz file: those of the sample, and those kept of the prepared MNIST."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4
from zipfile import ZipFile

import numpy as np


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays whole, so that zip's checksums are compared.

    Raises OSError where the system refuses, and errors of a dozen types for damage.
    """
    with ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(
                BytesIO(archive.read(name)), allow_pickle=False
            )
            for name in archive.namelist()
        }


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write all arrays without compression, or leave the file as it was; raises OSError."""
    write_whole(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place and put it there when it is whole; raises OSError."""
    for left_over in path.parent.glob(f"{path.name}.*.part"):
        # Of a process that was killed; one that still writes cannot rename its file then.
        with suppress(OSError):
            left_over.unlink()
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            write(file)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
