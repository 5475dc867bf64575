"""Servers that send byte after byte are given up, however they do it; what comes in time comes whole."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from terramamba.core import network
from terramamba.core.errors import InputError
from terramamba.core.file_states import FileStates
from terramamba.weights import download
from terramamba.weights.download import fetch_weights

OK = b"HTTP/1.1 200 OK\r\n"
TRICKLES = {
    "a head": (OK + b"X: ", b"a"),
    "lines of a head": (OK, b"X: a\r\n"),
    "a body": (OK + b"Content-Length: 1000000\r\n\r\n", b"a"),
    "a body of unknown length": (OK + b"\r\n", b"a"),
    "the size of a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
}


@contextmanager
def trickling(first: bytes, then: bytes) -> Iterator[str]:
    """Answer with ``first``, then with ``then`` over and over, never silent for long; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    talking, _ = listening.accept()
                    threading.Thread(target=talk, args=(talking,), daemon=True).start()

        def talk(talking: socket.socket) -> None:
            with suppress(OSError), talking:
                talking.recv(4096)
                talking.sendall(first)
                while listening.fileno() >= 0:
                    talking.sendall(then)
                    time.sleep(0.01)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("what", TRICKLES)
def test_a_server_that_trickles_is_given_up_and_leaves_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "SLOWEST", network.BLOCK * 5)
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    said = "no whole answer came in 0.2 seconds" if "head" in what else "it comes with less than .* a second"
    with trickling(*TRICKLES[what]) as address, pytest.raises(InputError, match=said):
        fetch_weights(address, tmp_path / "own")
    assert not list(tmp_path.iterdir())


def test_an_address_whose_server_trickles_says_nothing_of_its_version() -> None:
    with trickling(*TRICKLES["a head"]) as address:
        assert FileStates.of([f"{address}/a.tif"], patience=0.1).states == ()


def test_what_comes_in_time_comes_whole_and_errors_stay_what_they_are(seed: int) -> None:
    chunks = b"".join(b"3\r\n%03d\r\n" % number for number in range(1000)) + b"0\r\n\r\n"
    whole = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    with trickling(whole, b"") as address, requests.get(address, stream=True, timeout=5) as answer:
        found = b"".join(network.paced(answer))
    assert found == b"".join(b"%03d" % number for number in range(1000))
    with pytest.raises(ZeroDivisionError):
        network.within(5, lambda: 1 // 0)
