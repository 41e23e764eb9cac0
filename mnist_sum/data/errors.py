"""What is said of data that is missing, damaged or not what it should be."""

from pathlib import Path


class DataError(Exception):
    """Data that is missing, damaged or not what it should be; the message is one sentence."""


def damaged(path: Path, error: Exception, remedy: str) -> DataError:
    """Say that a file is not what was written, as the error shows, and what to do."""
    shown = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    return DataError(f"{path} is damaged ({shown}): {remedy}.")


def unreadable(path: Path, error: OSError) -> DataError:
    """Say that the system refuses to read a file, of which nothing else is known."""
    return DataError(f"{path} cannot be read: {error.strerror or error}.")
