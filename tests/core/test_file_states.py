"""Files and addresses that are no longer what they were."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from served import running
from terramamba.core import file_states
from terramamba.core.errors import InputError
from terramamba.core.file_states import ChangedFileError, FileStates


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def touch(path: Path) -> None:
    path.touch()


def cut(path: Path) -> None:
    os.truncate(path, 2)


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"x" * path.stat().st_size)
    other.replace(path)


@pytest.mark.parametrize("change", [append, touch, cut, replace, Path.unlink])
def test_a_file_that_is_changed_is_named(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "scene.img"
    path.write_bytes(b"12345678")
    states = FileStates.of([path, tmp_path / "no such file"])
    assert states.changed() is None
    states.require_same("start anew")
    change(path)
    assert states.changed(local=True) == str(path)
    with pytest.raises(ChangedFileError, match=r"scene\.img: was changed, cut or replaced .*; start anew"):
        states.require_same("start anew")


def test_a_file_that_is_gone_may_count_as_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    states = FileStates.of([tmp_path / "a"])
    (tmp_path / "a").unlink()
    assert states.changed() is not None
    assert states.changed(may_be_gone=True) is None


def test_an_archive_stands_for_what_lies_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner/scene.tif", b"12")
    states = FileStates.of([f"/vsizip/{tmp_path}/a.zip/inner/scene.tif", f"/vsizip/{{{tmp_path}/a.zip}}/b"])
    assert [name for name, _ in states.states] == [str(tmp_path / "a.zip")]


def test_a_path_is_looked_at_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    monkeypatch.chdir(tmp_path)
    states = FileStates.of(["a"])
    monkeypatch.chdir("/")
    assert states.changed() is None


@contextmanager
def serving(folder: Path, *, head: bool = True, versions: bool = True) -> Iterator[tuple[str, list[int]]]:
    """A server of files that answers so often with the status that the list holds, and its address."""
    broken: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(405 if not head else 0, b"")

        def do_GET(self) -> None:
            self.answer(0, b"x")

        def answer(self, status: int, content: bytes) -> None:
            path = folder / self.path[1:]
            if broken or status or not path.is_file():
                self.send_error(broken.pop(0) if broken else status or 404)
                return
            self.send_response(206 if content else 200)
            size = path.stat().st_size
            if content:
                self.send_header("Content-Range", f"bytes 0-0/{size}")
            self.send_header("Content-Length", str(len(content) if content else size))
            if versions:
                self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with running(Handler) as address:
        yield address, broken


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("prefix", ["", "/vsicurl/"])
def test_an_address_that_gives_another_version_is_named(tmp_path: Path, head: bool, prefix: str) -> None:
    (tmp_path / "a.tif").write_bytes(b"12345678")
    with serving(tmp_path, head=head) as (server, _):
        states = FileStates.of([f"{prefix}{server}/a.tif", f"{server}/none.tif"])
        assert [name for name, _ in states.states] == [f"{server}/a.tif"]
        assert states.changed() is None
        assert states.unversioned([f"{server}/a.tif", f"{server}/none.tif"]) == [f"{server}/none.tif"]
        replace(tmp_path / "a.tif")
        assert states.changed(local=True) is None
        assert states.changed() == f"{server}/a.tif"
        (tmp_path / "a.tif").unlink()
        assert states.changed() == f"{server}/a.tif"


def test_the_length_tells_where_a_server_says_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"12345678")
    with serving(tmp_path, versions=False) as (server, _):
        states = FileStates.of([f"{server}/a.tif"])
        assert states.unversioned([f"/vsicurl/{server}/a.tif", tmp_path / "a.tif"]) == [f"{server}/a.tif"]
        touch(tmp_path / "a.tif")
        assert states.changed() is None
        append(tmp_path / "a.tif")
        assert states.changed() == f"{server}/a.tif"


def test_a_server_is_asked_again_before_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_states, "PAUSES", (0.0, 0.01))
    shutil.copy(__file__, tmp_path / "a.tif")
    with serving(tmp_path) as (server, broken):
        states = FileStates.of([f"{server}/a.tif"])
        broken += [503, 500]
        assert states.changed() is None
        broken += [503] * 3
        with pytest.raises(InputError, match=r"a\.tif: its server no longer says .*503.*; try again later"):
            states.changed()
        # One that said nothing from the start is not looked at again.
        broken += [503]
        assert FileStates.of([f"{server}/a.tif"]).states == ()
