"""The TFDS builder: prepared whole, or not at all and with one sentence."""

import gzip
import http.server
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets
from tensorflow_datasets.core.download.checksums import load_url_infos, save_url_infos
from tensorflow_datasets.core.utils import gcs_utils

from mnist_sum.data import DataError, builder, load
from mnist_sum.data.builder import SOURCES, MnistSumBuilder, fixed_numbers
from tests import tiny_mnist

FILES = [name for names in SOURCES.values() for name in names]
SLOW_LOAD = """
import sys, time
from mnist_sum.data.builder import MnistSumBuilder
from mnist_sum.data import load
from tensorflow_datasets.core.download.checksums import load_url_infos

def generate_slowly(*args):
    print("writing", file=sys.__stdout__, flush=True)
    time.sleep(float(seconds))
    yield from generate_examples(*args)

checksums, data_dir, manual_dir, seconds = sys.argv[1:]
generate_examples = MnistSumBuilder._generate_examples
MnistSumBuilder._generate_examples = generate_slowly
MnistSumBuilder.url_infos = load_url_infos(checksums)
load("mnist", data_dir, manual_dir)
print("loaded")
"""


@pytest.fixture
def manual_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill a manual folder with a tiny MNIST, registered in place of the real one."""
    folder = tmp_path / "manual"
    monkeypatch.setattr(MnistSumBuilder, "url_infos", tiny_mnist.write_files(folder))
    monkeypatch.setattr(gcs_utils, "is_dataset_on_gcs", lambda _: pytest.fail("goes online"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Name a data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def host(manual_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Offer the files of the manual folder for download, from this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    handler = partial(Handler, directory=str(manual_dir))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        host = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(MnistSumBuilder, "url_infos", tiny_mnist.url_infos(manual_dir, host))
        yield host
        server.shutdown()


def start_load(tmp_path: Path, seconds_to_write: float) -> subprocess.Popen[str]:
    """Load the tiny MNIST in a process of its own, which takes its time to write each split."""
    save_url_infos(tmp_path / "checksums.tsv", MnistSumBuilder.url_infos)
    paths = [tmp_path / name for name in ("checksums.tsv", "data", "manual")]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_LOAD, *map(str, paths), str(seconds_to_write)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )


def wait_until_writing(process: subprocess.Popen[str]) -> None:
    """Wait until a process has begun to write the data set."""
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"


def files_in(folder: Path) -> set[str]:
    """Name all files below a folder, but for the lock."""
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return paths - {"downloads/mnist_sum.lock"}


def test_numbers_are_drawn_once_and_for_all() -> None:
    """A change here is a change of the data set: it takes a new VERSION and a new sample."""
    assert fixed_numbers("train", 60_000)[:10].tolist() == [1, 1, 7, 7, 6, 4, 7, 7, 3, 0]
    assert fixed_numbers("test", 10_000)[:10].tolist() == [2, 2, 6, 5, 1, 7, 2, 0, 5, 6]


def test_numbers_are_uniform() -> None:
    numbers = fixed_numbers("train", 60_000)
    assert numbers.dtype == np.int32
    np.testing.assert_allclose(np.bincount(numbers, minlength=10), 6000, atol=300)


def test_the_registered_files_are_those_that_tfds_itself_registers() -> None:
    package = Path(tensorflow_datasets.__file__).parent
    assert MnistSumBuilder.url_infos == load_url_infos(package / "url_checksums" / "mnist.txt")


def test_preparing_needs_no_tensorflow_and_says_nothing(
    data_dir: Path, manual_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    splits = load("mnist", data_dir, manual_dir)
    for split, dataset in splits._asdict().items():
        images, digits = tiny_mnist.arrays(split)
        np.testing.assert_array_equal(dataset.image, images)
        np.testing.assert_array_equal(dataset.digit, digits)
        np.testing.assert_array_equal(dataset.number, fixed_numbers(split, len(images)))
    assert "tensorflow" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_files_are_found_in_the_manual_folder_of_tfds(data_dir: Path, manual_dir: Path) -> None:
    (data_dir / "downloads").mkdir(parents=True)
    manual_dir.rename(data_dir / "downloads" / "manual")
    assert len(load("mnist", data_dir).train.image) == 30


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["a byte changed", "cut short", "empty"])
def test_a_wrong_file_is_named_and_nothing_is_written(
    data_dir: Path, manual_dir: Path, name: str, damage: str
) -> None:
    whole = (manual_dir / name).read_bytes()
    changed = bytes([whole[0] ^ 1]) + whole[1:]
    damaged = {"a byte changed": changed, "cut short": whole[:30], "empty": b""}[damage]
    (manual_dir / name).write_bytes(damaged)
    with pytest.raises(DataError, match=f"{manual_dir / name} has {len(damaged)} bytes and SHA"):
        load("mnist", data_dir, manual_dir)
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (FILES[3], tiny_mnist.idx(np.full(20, 10, np.uint8)), "holds the label 10"),
        (FILES[3], tiny_mnist.idx(np.zeros(19, np.uint8)), "holds 19 labels"),
        (FILES[2], b"no IDX at all, though registered", "has magic number"),
    ],
)
def test_a_registered_file_with_wrong_content_leaves_nothing_prepared(
    data_dir: Path,
    manual_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    message: str,
) -> None:
    (manual_dir / name).write_bytes(gzip.compress(content))
    monkeypatch.setattr(MnistSumBuilder, "url_infos", tiny_mnist.url_infos(manual_dir))
    with pytest.raises(DataError, match=message) as caught:
        load("mnist", data_dir, manual_dir)
    assert str(manual_dir / name) in str(caught.value)
    assert files_in(data_dir) == set()


def test_out_of_reach_is_one_quick_sentence_and_leaves_nothing(
    data_dir: Path, manual_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        (manual_dir / name).unlink()
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir, manual_dir)
    assert time.monotonic() - start < 5
    assert str(caught.value) == (
        "MNIST is not prepared and cannot be downloaded (ConnectionError at 127.0.0.1:9): "
        f"put {', '.join(FILES)} into {manual_dir}, "
        "or use --config sample, which needs no download."
    )
    assert not data_dir.exists()
    assert capfd.readouterr() == ("", "")


def test_only_missing_files_are_asked_for(data_dir: Path, manual_dir: Path) -> None:
    (manual_dir / FILES[1]).unlink()
    with pytest.raises(DataError, match=f"put {FILES[1]} into {manual_dir}"):
        load("mnist", data_dir, manual_dir)


def test_a_server_that_never_answers_is_given_up(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "REACH_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(MnistSumBuilder, "url_infos", tiny_mnist.url_infos(manual_dir, host))
        with pytest.raises(DataError, match=r"cannot be downloaded \(\w*Timeout\w* at 127"):
            load("mnist", data_dir, data_dir)


def test_a_slow_name_server_is_given_up(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "REACH_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    with pytest.raises(DataError, match=r"cannot be downloaded \(TimeoutError at 127"):
        load("mnist", data_dir, data_dir)


def test_an_address_without_the_file_is_reported(
    data_dir: Path, manual_dir: Path, host: str
) -> None:
    (manual_dir / FILES[0]).unlink()
    with pytest.raises(DataError, match=r"cannot be downloaded \(HTTPError at 127"):
        load("mnist", data_dir, data_dir)


def test_files_are_downloaded_once(data_dir: Path, manual_dir: Path, host: str) -> None:
    load("mnist", data_dir)
    for name in FILES:
        (manual_dir / name).unlink()
    (data_dir / "mnist_sum" / "1.0.0").rename(data_dir / "elsewhere")
    assert len(load("mnist", data_dir).test.image) == 20


def test_a_wrong_download_is_reported_and_thrown_away(
    data_dir: Path, manual_dir: Path, host: str
) -> None:
    (manual_dir / FILES[0]).write_bytes(b"something else")
    with pytest.raises(DataError, match=f"The download of MNIST failed: .*{FILES[0]}"):
        load("mnist", data_dir)
    assert not any("tmp" in name or "1.0.0" in name for name in files_in(data_dir))


def test_an_interrupted_preparation_leaves_nothing_prepared(
    data_dir: Path, manual_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Iterator[Any]:
        yield 0, {"image": np.zeros((28, 28), np.uint8), "digit": 0, "number": 0, "sum": 0}
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MnistSumBuilder, "_generate_examples", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load("mnist", data_dir, manual_dir)
    assert files_in(data_dir) == set()
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30


def test_a_killed_preparation_is_done_again(
    tmp_path: Path, data_dir: Path, manual_dir: Path
) -> None:
    with start_load(tmp_path, seconds_to_write=60) as process:
        wait_until_writing(process)
        process.kill()
    assert list(data_dir.glob("mnist_sum/incomplete.*"))
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30
    assert [path.name for path in (data_dir / "mnist_sum").iterdir()] == ["1.0.0"]


def test_two_processes_prepare_one_after_the_other(
    tmp_path: Path, data_dir: Path, manual_dir: Path
) -> None:
    process = start_load(tmp_path, seconds_to_write=0.5)
    wait_until_writing(process)
    assert len(load("mnist", data_dir, manual_dir).train.image) == 30
    assert process.communicate(timeout=60) == ("writing\nloaded\n", "")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(data_dir: Path, manual_dir: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir}: .*too large"):
            load("mnist", data_dir, manual_dir)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(data_dir) == set()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, manual_dir: Path) -> None:
    (tmp_path / "file").touch()
    data_dir = tmp_path / "file" / "data"
    with pytest.raises(DataError, match=f"MNIST cannot be prepared in {data_dir}: .*Not a direc"):
        load("mnist", data_dir, manual_dir)
