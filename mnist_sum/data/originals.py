"""The four original files of MNIST: found on this machine by what is in them, or downloaded."""

import gzip
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import requests
from jaxtyping import UInt8

from mnist_sum.errors import DataError
from mnist_sum.outputs import write_whole

ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
SHA256 = {  # of what is in the files, nothing packed
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
UNSIGNED_BYTES = 0x800  # in an IDX file's first word, with the number of dimensions
LARGEST = 2**26  # bytes of a file that is looked at, packed or not; MNIST's largest has 45 MiB
MOST_REMARKS = 5
TIMEOUT = (3, 10)  # seconds to connect to each address of the host, and to wait for more


def collect(data_dir: Path, manual_dir: Path | None) -> dict[str, bytes]:
    """Read the four files by name, after downloading what is missing; raises DataError, OSError."""
    if manual_dir and not os.access(manual_dir, os.R_OK):
        raise DataError(f"The folder {manual_dir} of MNIST's files is missing or cannot be read.")
    folder = manual_dir or data_dir / "downloads" / "manual"
    found: dict[str, bytes] = {}
    remarks = search([folder, *folder.glob("*"), *folder.glob("MNIST/raw/*")], found)
    keras = os.environ.get("KERAS_HOME") or Path(os.environ.get("HOME", ""), ".keras")
    usual_places = [  # of TFDS, torchvision, Keras, and the first version of this data set
        *data_dir.glob("downloads/*mnist*"),
        *data_dir.glob("downloads/*mnist*/*"),
        *Path().glob("data/MNIST/raw/*"),
        *Path().glob("MNIST/raw/*"),
        Path(keras, "datasets", "mnist.npz"),
        data_dir / "mnist_sum" / "1.0.0" / "arrays.npz",
    ]
    search(usual_places, found)
    missing = [name for name in SHA256 if name not in found]
    try:
        for name in missing:
            found[name] = download(name, data_dir / "downloads" / "mnist_sum")
    except ConnectionError as error:
        files = ", ".join(f"{name}.gz" for name in missing)
        instead = f" ({'; '.join(remarks[:MOST_REMARKS])})" if remarks else ""
        raise DataError(
            f"MNIST is not prepared and cannot be downloaded ({error}): put {files} into "
            f'{folder}{instead}, or use the data set "sample", which comes with mnist_sum.'
        ) from error
    return found


def download(name: str, folder: Path) -> bytes:
    """Fetch a file, store it and return what is in it; raises ConnectionError, or an OSError."""
    url = f"{ADDRESS}{name}.gz"
    handled_outside = sys.exception()
    try:
        response = requests.get(url, timeout=TIMEOUT)
        response.raise_for_status()
    except (OSError, ValueError) as error:  # those of requests, and of what it uses
        reason: BaseException = error
        while reason.__context__ not in (None, handled_outside):
            reason = reason.__context__  # the first one is the shortest, and the plainest
        raise ConnectionError(f"{url}: {' '.join(str(reason).split()).rstrip('.')}") from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.gz"
    write_whole(path, lambda file: file.write(response.content))
    found: dict[str, bytes] = {}
    search([path], found)
    if name not in found:
        path.unlink()
        raise ConnectionError(f"{url} has {len(response.content)} bytes of something else")
    return found[name]


def search(paths: Iterable[Path], found: dict[str, bytes]) -> list[str]:
    """Add what files hold until nothing is missing; remark on those that hold something else."""
    remarks = []
    for path in sorted(paths):
        if len(found) == len(SHA256):
            break
        try:
            if not path.is_file() or path.stat().st_size > LARGEST:
                continue
            for content in unpack(path):
                sha256 = hashlib.sha256(content).hexdigest()
                names = [name for name, expected in SHA256.items() if expected == sha256]
                found |= dict.fromkeys(names, content)
                if not names:
                    remarks.append(f"{path} holds {len(content)} bytes of something else")
        except Exception as error:  # the readers of packed files raise a dozen types of them
            remarks.append(f"{path} cannot be read: {' '.join(str(error).split())}")
    return remarks


def unpack(path: Path) -> Iterator[bytes]:
    """Yield what is in a file that gzip has packed or not, and each member of a zip or npz file."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start == b"PK\3\4":
            with np.load(file, allow_pickle=False) as members:
                for member in members.values():  # bytes if it is no array
                    yield member if isinstance(member, bytes) else write_idx(member)
        else:
            packed = start[:2] == b"\x1f\x8b"
            yield (gzip.GzipFile(fileobj=file) if packed else file).read(LARGEST)


def write_idx(array: UInt8[np.ndarray, "..."]) -> bytes:
    """Write bytes in the format of the original files, http://yann.lecun.com/exdb/mnist/."""
    header = np.array([UNSIGNED_BYTES | array.ndim, *array.shape], ">u4")
    return header.tobytes() + array.tobytes()
