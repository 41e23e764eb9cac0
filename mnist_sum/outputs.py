"""Files that commands write: whole or not at all, and never over a file of the user's."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from mnist_sum.errors import UsageError

MARK = b"mnist_sum"
PNG_MARK = b"tEXtSoftware\0" + MARK  # in PNGs that this package has made


def check_output(path: Path, inputs: Iterable[Path] = (), mark: bytes | None = None) -> None:
    """Raise UsageError unless an output is new, or replaces one that the same command has made.

    The `mark` is in such a file and in no other. An input is never replaced, by whatever name it
    goes. Call it before anything is computed.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder, expected the name of a file to write.")
    for given in inputs:
        with suppress(OSError):
            if path.samefile(given):
                raise UsageError(f"{path} is read and cannot be written too; name another output.")
    if path.is_symlink() or path.exists():
        with suppress(OSError):
            if path.is_file() and mark and mark in path.read_bytes():
                return
        raise UsageError(f"{path} exists and would be lost; name another output, or delete it.")


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file that a user has named; raises UsageError."""
    try:
        write_whole(path, write)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> UsageError:
    """Report a file or folder that cannot be written."""
    reason = error.strerror or error
    return UsageError(f"{path} cannot be written ({reason}); choose another folder.")


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place and move it there when it is whole; raises OSError."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            write(file)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
