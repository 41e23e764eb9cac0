"""The TFDS data set: prepared whole or not at all, and read whole or refused with one sentence."""

import os
import re
import resource
import subprocess
import sys
from unittest.mock import MagicMock

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_datasets.core.utils import gcs_utils

from mnist_sum.data import load
from mnist_sum.data.dataset import fixed_numbers
from mnist_sum.errors import DataError
from tests import tiny_mnist
from tests.commands import ROOT
from tests.hostile_input import attempt, hostile

tiny = tiny_mnist.tiny

RECORDS = "mnist_sum-test.array_record-00000-of-00001"
SLOW_LOAD = """
import hashlib, sys, time
from mnist_sum.data import load, originals
from mnist_sum.data.builder import MnistSumBuilder
from tests.tiny_mnist import CONTENTS

def generate_slowly(*args):
    print("writing", file=sys.__stdout__, flush=True)
    time.sleep(float(seconds))
    yield from generate_examples(*args)

data_dir, manual_dir, seconds = sys.argv[1:]
generate_examples = MnistSumBuilder._generate_examples
MnistSumBuilder._generate_examples = generate_slowly
originals.SHA256 = {name: hashlib.sha256(x).hexdigest() for name, x in CONTENTS.items()}
load("mnist", data_dir, manual_dir)
print("loaded")
"""


@pytest.fixture
def manual_dir(tiny, monkeypatch):
    tiny_mnist.write_packed(tiny / "manual")
    monkeypatch.setattr(gcs_utils, "is_dataset_on_gcs", lambda _: pytest.fail("goes online"))
    return tiny / "manual"


@pytest.fixture
def data_dir(tiny):
    return tiny / "data"


@pytest.fixture
def folder(data_dir, manual_dir):
    """Prepare a tiny MNIST in the data folder; returns the folder of its files."""
    load("mnist", data_dir, manual_dir)
    return data_dir / "mnist_sum" / "2.0.0"


def start_load(data_dir, manual_dir, seconds):
    """Load the tiny MNIST in a process of its own; returns it while it is at writing a split."""
    command = [sys.executable, "-c", SLOW_LOAD, str(data_dir), str(manual_dir), str(seconds)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
    assert process.stdout.readline() == "writing\n"
    return process


def files_in(folder):
    """Name all files below a folder, but for the lock."""
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return paths - {"downloads/mnist_sum.lock"}


def assert_is_tiny(splits):
    for split, dataset in splits._asdict().items():
        images, digits = tiny_mnist.arrays(split)
        expected = images, digits, fixed_numbers(split, len(images))
        jax.tree.map(np.testing.assert_array_equal, tuple(dataset), expected)


def test_preparing_needs_no_tensorflow_and_says_nothing(data_dir, manual_dir, capfd):
    assert_is_tiny(load("mnist", data_dir, manual_dir))
    assert "tensorflow" not in sys.modules
    assert capfd.readouterr() == ("", "")
    files = {"dataset_info.json", "features.json", RECORDS, RECORDS.replace("test", "train")}
    assert files_in(data_dir) == {f"mnist_sum/2.0.0/{name}" for name in files}


def test_what_is_prepared_is_read_again_and_may_be_changed_but_not_in_its_folder(data_dir, folder):
    for path in (data_dir, *data_dir.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in data_dir.rglob("*")}
    for array in jax.tree.leaves(load("mnist", data_dir)):
        array[:] = 0
    assert_is_tiny(load("mnist", data_dir))
    assert {path: path.stat().st_mtime_ns for path in data_dir.rglob("*")} == before


def test_tfds_itself_reads_the_same(data_dir, folder):
    source = tfds.data_source("mnist_sum", data_dir=data_dir, download=False)
    for split, dataset in load("mnist", data_dir)._asdict().items():
        (example,) = source[split]
        jax.tree.map(np.testing.assert_array_equal, example, dataset._asdict())


def test_a_killed_preparation_is_done_again(data_dir, manual_dir):
    with start_load(data_dir, manual_dir, seconds=60) as process:
        process.kill()
    assert not (data_dir / "mnist_sum" / "2.0.0").exists()
    assert_is_tiny(load("mnist", data_dir, manual_dir))


def test_two_processes_prepare_one_after_the_other(data_dir, manual_dir):
    with start_load(data_dir, manual_dir, seconds=0.5) as process:
        assert_is_tiny(load("mnist", data_dir, manual_dir))
        assert process.communicate(timeout=60) == ("writing\nloaded\n", "")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(data_dir, manual_dir):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir} .*too large"):
            load("mnist", data_dir, manual_dir)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(data_dir) == set()


def test_a_folder_that_cannot_be_written_is_one_sentence(tiny, manual_dir):
    (tiny / "file").touch()
    data_dir = tiny / "file" / "data"
    with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir} .*Not a direc"):
        load("mnist", data_dir, manual_dir)


def test_an_error_of_jax_is_not_taken_for_one_of_the_disk(data_dir, manual_dir, monkeypatch):
    fails = MagicMock(side_effect=RuntimeError("Unable to initialize backend 'cuda'"))
    monkeypatch.setattr("mnist_sum.data.builder.fixed_numbers", fails)
    with pytest.raises(RuntimeError, match="Unable to initialize backend"):
        load("mnist", data_dir, manual_dir)


@pytest.mark.parametrize("name", ["tensorflow_datasets", "array_record", "requests", "filelock"])
def test_a_missing_package_is_one_sentence(data_dir, monkeypatch, name):
    for module in ("originals", "builder"):
        monkeypatch.delitem(sys.modules, f"mnist_sum.data.{module}")
    monkeypatch.delattr("mnist_sum.data.builder")
    monkeypatch.setitem(sys.modules, name, None)
    packages = r"pip install '.\[data\]' in the project's folder, on Linux or Apple silicon, or"
    with pytest.raises(DataError, match=f"^MNIST needs {name}.*: {packages}"):
        load("mnist", data_dir)


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        (RECORDS, None, "No such file or directory"),
        (RECORDS, lambda _: b"", "at least 64KB"),
        (RECORDS, lambda _: b"no records" * 10_000, "mismatch"),
        (RECORDS, lambda x: x[:-1], "boundary"),
        ("dataset_info.json", None, "is not supported"),
        ("dataset_info.json", lambda _: b"", "JSON"),
        ("dataset_info.json", lambda _: b"\xff", "utf-8"),
        ("dataset_info.json", lambda _: b'{"splits": [1]}', "splits"),
        ("dataset_info.json", lambda x: x.replace(b"2.0.0", b"2.0.1"), "version"),
        ("dataset_info.json", lambda x: x.replace(b'"test"', b'"tset"'), "test"),
    ],
)
def test_a_damaged_file_is_one_sentence(data_dir, folder, name, damage, reason):
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage:
        assert damage(content) != content
        (folder / name).write_bytes(damage(content))
    _, refusal = attempt(DataError, load, "mnist", data_dir)
    assert re.match(rf"{folder} cannot be read \(.*{reason}.*, or delete it to have it", refusal)


@hostile
@given(data=st.data(), name=st.sampled_from([RECORDS, "dataset_info.json", "features.json"]))
def test_a_changed_byte_is_noticed_or_does_not_matter(data_dir, folder, data, name):
    whole = (folder / name).read_bytes()
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(content)
    splits, refusal = attempt(DataError, load, "mnist", data_dir)
    (folder / name).write_bytes(whole)
    if not refusal:
        assert_is_tiny(splits)
