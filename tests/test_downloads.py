"""Downloads of the original files: in bounded time, and thrown away when they are others."""

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mnist_sum.data import originals
from mnist_sum.data.originals import collect
from mnist_sum.errors import DataError
from tests import empty_folders, tiny_mnist
from tests.tiny_mnist import NAMES

elsewhere, data_dir = empty_folders.elsewhere, empty_folders.data_dir


def test_out_of_reach_is_one_quick_sentence(data_dir: Path) -> None:
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        collect(data_dir, None)
    assert time.monotonic() - start < 5
    assert str(caught.value) == (
        "MNIST is not prepared and cannot be downloaded (ConnectionError at 127.0.0.1:9): put "
        f"{', '.join(f'{name}.gz' for name in NAMES)} into {data_dir / 'downloads' / 'manual'}, "
        "or use --config sample, or --dataset sample with another config, which needs no download."
    )
    assert not data_dir.exists()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Offer the files of a folder for download, from this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    folder = tmp_path / "offered"
    tiny_mnist.write_files(folder)
    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setattr(originals, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        yield folder
        server.shutdown()


def test_files_are_downloaded_once(data_dir: Path, host: Path) -> None:
    assert collect(data_dir, None) == tiny_mnist.contents()
    for path in host.iterdir():
        path.unlink()
    assert collect(data_dir, None) == tiny_mnist.contents()
    stored = {path.name for path in (data_dir / "downloads" / "mnist_sum").iterdir()}
    assert stored == {f"{name}.gz" for name in NAMES}


def test_an_address_without_the_file_is_reported(data_dir: Path, host: Path) -> None:
    (host / f"{NAMES[0]}.gz").unlink()
    with pytest.raises(DataError, match=r"cannot be downloaded \(HTTPError at 127"):
        collect(data_dir, None)


def test_a_wrong_download_is_reported_and_thrown_away(data_dir: Path, host: Path) -> None:
    (host / f"{NAMES[0]}.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match=f"The download of MNIST failed: .*{NAMES[0]}.gz has 14 by"):
        collect(data_dir, None)
    assert list(data_dir.rglob("*.*")) == []


def trickle(connection: socket.socket) -> None:
    """Send the head of an answer, and then a byte now and then."""
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(30):
        connection.sendall(b"\x1f")
        time.sleep(0.05)


def stall(connection: socket.socket) -> None:
    """Send the head of an answer and one byte, and no more."""
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n\x1f")
    time.sleep(1)


def keep_quiet(connection: socket.socket) -> None:
    """Never answer."""
    time.sleep(1)


@pytest.mark.parametrize("answer", [keep_quiet, stall, trickle])
def test_a_server_that_goes_on_too_slowly_is_given_up(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None]
) -> None:
    monkeypatch.setattr(originals, "PATIENCE", 0.3)

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(originals, "ADDRESS", address)
        start = time.monotonic()
        with pytest.raises(DataError, match=r"downloaded \((\w*Timeout\w*|ConnectionError) at 127"):
            collect(data_dir, None)
        assert time.monotonic() - start < 0.9
        thread.join()


def test_a_slow_name_server_is_given_up(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "PATIENCE", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    with pytest.raises(DataError, match=r"cannot be downloaded \(TimeoutError at 127"):
        collect(data_dir, None)
