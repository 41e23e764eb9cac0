"""The four original files of MNIST: found on this machine by what is in them, or downloaded."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.parse import urlsplit

import requests

from mnist_sum.data.arrays import write_whole
from mnist_sum.data.idx import read_digits, read_images
from mnist_sum.data.packing import LARGEST, unpack
from mnist_sum.errors import DataError

ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
SHA256 = {  # of what is in the files, nothing packed
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
LEVELS = 3  # of folders that are searched, the given one among them
MOST_FILES = 1000
MOST_REMARKS = 5
PATIENCE = 8.0  # seconds for every chunk of a download, and for the first with all before it
CHUNK = 2**14  # bytes


class UnreachableError(Exception):
    """A download that cannot be had; the message names the error and the host."""


def collect(data_dir: Path, manual_dir: Path | None) -> dict[str, bytes]:
    """Return what is in the four files, by name; what is not on this machine is downloaded.

    Raises DataError, and OSError for a download that cannot be stored.
    """
    folder = manual_dir or data_dir / "downloads" / "manual"
    found: dict[str, bytes] = {}
    remarks = search(files_below(folder, must_exist=folder == manual_dir), found)
    search(chain.from_iterable(map(files_below, usual_places(data_dir))), found)
    missing = [name for name in SHA256 if name not in found]
    for path in (folder / f"{name}{suffix}" for name in missing for suffix in ("", ".gz")):
        if path.is_dir():
            remarks.append(f"{path} is a folder without the file")
    try:
        for name in missing:
            found[name] = download(name, data_dir / "downloads" / "mnist_sum")
    except UnreachableError as error:
        files = ", ".join(f"{name}.gz" for name in missing)
        raise DataError(
            f"MNIST is not prepared and cannot be downloaded ({error}): put {files} into "
            f"{folder}{shorten(remarks)}, or use --config sample, or --dataset sample with another "
            "config, which needs no download."
        ) from error
    return found


def usual_places(data_dir: Path) -> Iterator[Path]:
    """Name where TFDS, this package, torchvision and Keras leave what they have downloaded."""
    yield from sorted((data_dir / "downloads").glob("*mnist*"))
    yield from (Path("data", "MNIST", "raw"), Path("MNIST", "raw"))
    with suppress(RuntimeError):  # there is no home folder
        keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
        yield keras / "datasets" / "mnist.npz"


def files_below(place: Path, must_exist: bool = False) -> Iterator[Path]:
    """List the files of a folder and those below it, or the one file that it is.

    Raises DataError for a folder that must exist and cannot be read.
    """

    def refuse(error: OSError) -> None:
        if must_exist and error.filename == str(place):
            raise DataError(
                f"The folder {place} of MNIST's files cannot be read: {error.strerror}."
            ) from error

    if is_file(place):
        yield place
        return
    for folder, folders, names in os.walk(place, onerror=refuse):
        if len(Path(folder).relative_to(place).parts) == LEVELS - 1:
            folders.clear()
        folders.sort()
        yield from filter(is_file, (Path(folder, name) for name in sorted(names)))


def is_file(path: Path) -> bool:
    """Say whether it is known to be a file, and no pipe, say."""
    with suppress(OSError):  # where a folder may not be entered
        return path.is_file()
    return False


def search(paths: Iterable[Path], found: dict[str, bytes]) -> list[str]:
    """Add what files hold until nothing is missing; remark on those that hold something else."""
    remarks: list[str] = []
    for path in islice(paths, MOST_FILES):
        if len(found) == len(SHA256):
            break
        try:
            if path.stat().st_size > LARGEST:
                remarks.append(f"{path} has more than {LARGEST} bytes")
                continue
            for content in unpack(path.read_bytes()):
                name = identify(content)
                if name:
                    found[name] = content
                else:
                    remarks.append(describe_other(content, path))
        except OSError as error:
            remarks.append(f"{path} cannot be read: {error.strerror or error}")
        except Exception as error:  # the readers of packed files raise a dozen types of them
            reason = " ".join(str(error).split())  # which may have several lines
            remarks.append(f"{path} cannot be unpacked: {reason}")
    return remarks


def identify(content: bytes) -> str | None:
    """Name the one of the four files that this is."""
    sha256 = hashlib.sha256(content).hexdigest()
    return next((name for name, expected in SHA256.items() if expected == sha256), None)


def describe_other(content: bytes, path: Path) -> str:
    """Say what a file holds that is none of the four."""
    if not content:
        return f"{path} is empty"
    if content[:3] != b"\0\0\x08":
        return f"{path} is no IDX file"
    read, kind = (read_digits, "labels") if content[3:4] == b"\1" else (read_images, "images")
    try:
        return f"{path} holds {len(read(content, path))} {kind} that are not those of MNIST"
    except DataError as error:
        return str(error).rstrip(".")


def shorten(remarks: list[str]) -> str:
    """Join the first few remarks in brackets, on one line."""
    remarks = list(dict.fromkeys(remarks))
    shown = remarks[:MOST_REMARKS] + ["..."] * (len(remarks) > MOST_REMARKS)
    return f" ({' '.join('; '.join(shown).split())})" if shown else ""


def download(name: str, folder: Path) -> bytes:
    """Fetch one of the files, store it as it came and return what is in it.

    Raises UnreachableError, DataError for another file, and OSError if it cannot be stored.
    """
    url = f"{ADDRESS}{name}.gz"
    packed = fetch(url)
    found: dict[str, bytes] = {}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.gz"
    write_whole(path, lambda file: file.write(packed))
    search([path], found)
    if name not in found:
        path.unlink()
        raise DataError(
            f"The download of MNIST failed: {url} has {len(packed)} bytes of something else."
        )
    return found[name]


def fetch(url: str) -> bytes:
    """Fetch a file, and give up when nothing comes for a while; raises UnreachableError.

    A thread does it, as the timeouts of requests bound neither a slow DNS nor a trickle of bytes.
    """
    chunks: Queue[bytes | Exception | None] = Queue()

    def run() -> None:
        try:
            with requests.get(url, stream=True, timeout=PATIENCE) as response:
                response.raise_for_status()
                for chunk in response.iter_content(CHUNK):
                    chunks.put(chunk)
            chunks.put(None)
        except Exception as error:
            chunks.put(error)

    Thread(target=run, daemon=True).start()
    content = bytearray()
    try:
        while (chunk := chunks.get(timeout=PATIENCE)) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            content += chunk
            if len(content) > LARGEST:
                raise OverflowError
    except Empty:
        raise UnreachableError(f"TimeoutError at {urlsplit(url).netloc}") from None
    except Exception as error:
        raise UnreachableError(f"{type(error).__name__} at {urlsplit(url).netloc}") from error
    return bytes(content)
