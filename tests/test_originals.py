"""The original files: known by what is in them, wherever they lie, or downloaded."""

import gzip
import hashlib
import http.server
import os
import socket
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest
import tensorflow_datasets
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_datasets.core.download.checksums import load_url_infos
from tensorflow_datasets.core.download.resource import get_dl_fname

from mnist_sum.data import originals
from mnist_sum.data.originals import collect, search
from mnist_sum.errors import DataError
from tests import tiny_mnist
from tests.hostile_input import attempt, damaged, hostile
from tests.tiny_mnist import CONTENTS, NAMES, write_files, write_npz, write_packed

tiny = tiny_mnist.tiny

ORIGINAL_FILES = Path(__file__).parents[2] / "shared" / "mnist"
IMAGES, LABELS = CONTENTS[NAMES[0]], CONTENTS[NAMES[1]]


def kaggles(name):
    return name.replace("-idx", ".idx")


def write_zip(folder):
    """Write an archive as Kaggle offers it: a folder for each file, and each file twice."""
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        for name, content in CONTENTS.items():
            archive.writestr(f"{name}/{name}", content)
            archive.writestr(kaggles(name), content)


def write_as_tfds(folder):
    write_packed(folder, name_of=lambda name: get_dl_fname(f"{name}-mnist.gz", 64 * "0"))


@pytest.mark.parametrize(
    ("place", "write"),
    [
        ("manual", write_packed),
        ("manual", write_files),
        ("manual", partial(write_files, name_of=kaggles)),
        ("manual", partial(write_files, name_of=lambda name: f"{hash(name)}.bin")),
        ("manual/MNIST/raw", write_files),
        ("manual/mnist.npz", write_npz),
        ("manual", write_zip),
        ("mnist.npz", write_npz),
        ("data/downloads/manual", write_packed),
        ("data/downloads", write_as_tfds),
        ("data/downloads/mnist", write_as_tfds),
        ("data/mnist_sum/1.0.0/arrays.npz", write_npz),
        ("here/data/MNIST/raw", write_packed),
        ("here/MNIST/raw", write_packed),
        ("home/.keras/datasets/mnist.npz", write_npz),
        ("keras/datasets/mnist.npz", write_npz),
    ],
)
def test_files_are_known_by_what_is_in_them_and_found_in_the_usual_places(
    tiny, monkeypatch, place, write
):
    if place.startswith("keras"):
        monkeypatch.setenv("KERAS_HOME", str(tiny / "keras"))
    (tiny / "manual" / "0_notes.txt").write_text("not of MNIST")
    os.mkfifo(tiny / "manual" / "0_pipe")
    write(tiny / place)
    before = sorted(tiny.rglob("*"))
    given = {"manual": tiny / "manual", "mnist.npz": tiny / "mnist.npz"}.get(place.split("/")[0])
    assert collect(tiny / "data", given) == CONTENTS
    assert sorted(tiny.rglob("*")) == before


def test_files_are_put_together_from_several_places(tiny):
    write_packed(tiny / "manual")
    (tiny / "data" / "downloads" / "mnist").mkdir(parents=True)
    (tiny / "manual" / f"{NAMES[2]}.gz").rename(tiny / "data" / "downloads" / "mnist" / "it")
    assert collect(tiny / "data", tiny / "manual") == CONTENTS


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"", "holds 0 bytes of something else"),
        (b"<html>Not found</html>", "holds 22 bytes of something else"),
        (gzip.compress(IMAGES, mtime=0)[:-100], "cannot be read: Compressed file ended before"),
        (IMAGES[:-1] + b"\0", "holds 23536 bytes of something else"),
        (LABELS[:-1] + b"\1", "holds 38 bytes of something else"),
        (b"PK\3\4 and no more", "cannot be read: File is not a zip file"),
    ],
)
def test_what_lies_there_instead_is_named(tiny, content, remark):
    write_packed(tiny / "manual")
    path = tiny / "manual" / f"{NAMES[0]}.gz"
    path.write_bytes(content)
    _, refusal = attempt(DataError, collect, tiny / "data", tiny / "manual")
    assert f": put {NAMES[0]}.gz into {tiny / 'manual'} ({path} {remark}" in refusal
    assert not (tiny / "data").exists()


def test_many_other_files_are_not_all_named(tiny):
    for letter in "abcdefgh":
        (tiny / "manual" / letter).touch()
    with pytest.raises(DataError, match=r"/d holds [^;]*; [^;]*/e holds [^;]*\), or use"):
        collect(tiny / "data", tiny / "manual")


def test_a_file_that_is_too_large_is_not_read(tiny, monkeypatch):
    monkeypatch.setattr(originals, "LARGEST", 1000)
    write_files(tiny)
    assert search([tiny / NAMES[0]], {}) == []


def test_a_folder_that_is_not_there_is_one_sentence(tiny):
    folder = tiny / "nowhere"
    with pytest.raises(DataError, match=f"^The folder {folder} of MNIST's files is missing or"):
        collect(tiny / "data", folder)


@hostile
@given(st.binary() | damaged(st.sampled_from([IMAGES, gzip.compress(LABELS, mtime=0)])))
def test_a_folder_of_anything_is_searched(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert len(" ".join(search([tmp_path / "file"], {})).splitlines()) <= 1


@pytest.mark.parametrize(
    ("address", "variable", "value", "reason"),
    [
        ("http://127.0.0.1:9/", "NO_PROXY", "*", "[Errno 111] Connection refused): put"),
        ("http://nowhere.invalid/", "NO_PROXY", "*", "[Errno -"),  # as the system puts it
        ("https://mnist/", "REQUESTS_CA_BUNDLE", "/none.pem", "Could not find a suitable TLS CA"),
        ("http://mnist/", "HTTP_PROXY", "http://", "Please check proxy URL. It is malformed and"),
        ("http://mnist/", "HTTP_PROXY", "http://a..b:9", "label empty"),
    ],
)
def test_out_of_reach_is_one_sentence(tiny, monkeypatch, address, variable, value, reason):
    monkeypatch.setattr(originals, "ADDRESS", address)
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv(variable.lower(), value)
    try:
        raise KeyError("of a caller who tries something else then")
    except KeyError:
        _, refusal = attempt(DataError, collect, tiny / "data", None)
    cannot = "MNIST is not prepared and cannot be downloaded"
    assert refusal.startswith(f"{cannot} ({address}{NAMES[0]}.gz: ")
    assert reason in refusal
    files = ", ".join(f"{name}.gz" for name in NAMES)
    instead = 'or use the data set "sample", which comes with mnist_sum.'
    assert refusal.endswith(f"): put {files} into {tiny}/data/downloads/manual, {instead}")
    assert not (tiny / "data").exists()


@pytest.fixture
def host(tiny, monkeypatch):
    """Offer the files of a folder for download, from this machine."""
    write_packed(tiny / "offered")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tiny / "offered"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setattr(originals, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        yield tiny / "offered"
        server.shutdown()


def test_files_are_downloaded_once(tiny, host):
    assert collect(tiny / "data", None) == CONTENTS
    for path in host.iterdir():
        path.unlink()
    assert collect(tiny / "data", None) == CONTENTS
    stored = {path.name for path in (tiny / "data" / "downloads" / "mnist_sum").iterdir()}
    assert stored == {f"{name}.gz" for name in NAMES}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "404 Client Error: File not found"), (b"a page", "has 6 bytes of something else")],
)
def test_another_download_is_reported_and_thrown_away(tiny, host, content, reason):
    (host / f"{NAMES[0]}.gz").unlink()
    if content:
        (host / f"{NAMES[0]}.gz").write_bytes(content)
    with pytest.raises(DataError, match=rf"{NAMES[0]}.gz:? {reason}"):
        collect(tiny / "data", None)
    assert list((tiny / "data").rglob("*.*")) == []


def test_a_server_that_never_answers_is_given_up(tiny, monkeypatch):
    monkeypatch.setattr(originals, "TIMEOUT", (0.3, 0.3))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(originals, "ADDRESS", address)
        with pytest.raises(DataError, match=r"cannot be downloaded \(http.*: timed out\)"):
            collect(tiny / "data", None)


def test_the_digests_are_those_of_the_files_that_tfds_registers():
    if not ORIGINAL_FILES.is_dir():
        pytest.skip(f"the four original files are not in {ORIGINAL_FILES}")
    package = Path(tensorflow_datasets.__file__).parent
    registered = load_url_infos(package / "url_checksums" / "mnist.txt")
    for name, digest in originals.SHA256.items():
        packed = (ORIGINAL_FILES / f"{name}.gz").read_bytes()
        url = f"{originals.ADDRESS}{name}.gz"
        assert hashlib.sha256(packed).hexdigest() == registered[url].checksum
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == digest
