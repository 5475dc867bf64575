"""Images on servers that refuse, have trouble, break off or say nothing: an end, and a line that says why."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from served import running
from terramamba.core.errors import InputError
from terramamba.core.network import GDAL, set_for_gdal, what_of_address
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.datasets import is_on_web
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window


@dataclass
class Server:
    """What it does with requests: answers each with one of ``statuses`` first, then with ``content``."""

    address: str = ""
    content: bytes = b""
    statuses: list[int] = field(default_factory=list)
    """0: the connection is reset; -1: nothing is said until the end of the test."""
    asked: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    monkeypatch.setenv("GDAL_HTTP_LOW_SPEED_TIME", "1")
    monkeypatch.setenv("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
    monkeypatch.setattr("terramamba.raster.readers.open.FIRST_LOOK_SECONDS", 0.5)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def answer(self, whole: bool) -> None:
            state.asked += 1
            status = state.statuses.pop(0) if state.statuses else 200
            if status == 0:
                now = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                self.connection.close()
            elif status == -1:
                state.ended.wait(60)
            elif status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                begin, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
                part = state.content[int(begin) : int(end or len(state.content)) + 1]
                self.send_response(206 if "Range" in self.headers else 200)
                last = int(begin) + len(part) - 1
                self.send_header("Content-Range", f"bytes {begin}-{last}/{len(state.content)}")
                self.send_header("Content-Length", str(len(part)))
                self.send_header("Accept-Ranges", "bytes")
                self.end_headers()
                if whole:
                    self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with running(Handler) as state.address:
        yield state
        state.ended.set()


@pytest.fixture
def image(tmp_path: Path, seed: int, server: Server) -> np.ndarray:
    values = np.random.default_rng(seed).integers(1, 250, (2, 600, 700)).astype(np.uint8)
    write_geotiff(tmp_path / "a.tif", values, Grid(600, 700, None, None))
    server.content = (tmp_path / "a.tif").read_bytes()
    return values


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([404] * 9, r"HTTP response code: 404\); check the address"),
        ([403] * 9, r"code: 403\); the server wants a name and password, or a signed address"),
        ([503] * 9, r"code: 503\), though it was asked 3 times; the server has trouble, try again later"),
        ([0] * 9, r"the server gave no answer, though it was asked 3 times; check the address"),
        ([-1] * 9, r"the server gave no answer, though it was asked 3 times; check the address"),
    ],
)
def test_a_server_without_an_image(server: Server, seed: int, statuses: list[int], said: str) -> None:
    server.statuses = statuses
    with pytest.raises(InputError, match=said):
        open_scene(f"{server.address}/{seed}-{statuses[0]}.tif")
    assert server.asked <= 5


@pytest.mark.parametrize("statuses", [[503, 502], [0, 0], [429, 0]])
def test_a_server_that_has_trouble_for_a_moment(
    server: Server, seed: int, statuses: list[int], image: np.ndarray
) -> None:
    server.statuses = list(statuses)
    scene = open_scene(f"{server.address}/moment-{seed}-{'-'.join(map(str, statuses))}.tif")
    assert "the server names no version of it" in scene.notes[-1]
    server.statuses = list(statuses)
    values, _ = scene.read(Window(500, 600, 90, 80))
    np.testing.assert_array_equal(values, image[:, 500:590, 600:680])


def test_a_server_that_breaks_off_while_pixels_are_read(server: Server, seed: int, image: np.ndarray) -> None:
    scene = open_scene(f"{server.address}/broken-{seed}.tif")
    server.statuses = [0] * 50
    with pytest.raises(InputError, match=r"rows 500 to 589.* the server broke off, .* same command again"):
        scene.read(Window(500, 600, 90, 80))


def test_what_the_environment_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GDAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "7")
    set_for_gdal()

    assert os.environ["GDAL_HTTP_MAX_RETRY"] == "7"
    assert os.environ["GDAL_HTTP_LOW_SPEED_TIME"] == GDAL["GDAL_HTTP_LOW_SPEED_TIME"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("https://a/b.tif", True),
        ("/vsicurl/https://a/b.tif", True),
        ("/vsizip//vsis3/bucket/b.zip/a.tif", True),
        ("ftp://a/b.tif", True),
        ("/vsizip/b.zip/a.tif", False),
        ("netcdf:a.nc:b", False),
        ("C:/a.tif", False),
        ("httpd.tif", False),
    ],
)
def test_what_is_on_the_web(path: str, expected: bool) -> None:
    assert is_on_web(path) == expected


def test_other_reasons_are_told() -> None:
    assert what_of_address("not a TIFF file") == "cannot be opened (not a TIFF file); check the address"
