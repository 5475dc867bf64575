"""Fetching from a server that breaks off, changes its mind, or sends something else."""

import gzip
import hashlib
import io
import socket
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from served import NO_ADDRESSES, answering, redirect, running
from terramamba.core import network
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import held, lock_folder
from terramamba.core.network import BLOCK
from terramamba.data.catalog import CATALOG, DataSet
from terramamba.data.catalog import download as module
from terramamba.data.catalog import unpack as unpacking
from terramamba.data.catalog.download import download
from terramamba.data.catalog.record import Remote

NAME = "cube.mat"


@dataclass
class Server:
    """What is served, and how; ``asked`` are the ranges that were asked for."""

    address: str = ""
    content: bytes = b""
    mark: str | None = '"one"'
    ends: list[int] = field(default_factory=list)
    """Bytes after which the next answers break off."""
    status: int = 200
    troubles: list[int] = field(default_factory=list)
    """Statuses of the next answers."""
    most: int | None = None
    """Bytes of a part that was asked for; None: all that is left."""
    ignores: bool = False
    """Whether parts are of the version that is there, whichever was begun."""
    length: bool = True
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            status = state.troubles.pop(0) if state.troubles else state.status
            if status != 200:
                self.send_error(status)
                return
            start = 0
            same = self.headers.get("If-Range") == state.mark or state.ignores
            if wanted is not None and same and state.ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(state.content) > 0:
                self.send_error(416)
                return
            rest = state.content[start : start + state.most if start and state.most else None]
            self.send_response(206 if start else 200)
            if start:
                size = len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{start + len(rest) - 1}/{size}")
            if state.length:
                self.send_header("Content-Length", str(len(rest)))
            if state.mark is not None:
                self.send_header("ETag", state.mark)
            self.end_headers()
            self.wfile.write(rest[: state.ends.pop(0)] if state.ends else rest)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with running(Handler) as state.address:
        yield state


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked again without a pause."""
    monkeypatch.setattr(network, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def content(seed: int, server: Server) -> bytes:
    size = int(np.random.default_rng(seed).integers(5 * BLOCK, 7 * BLOCK))
    server.content = np.random.default_rng(seed).bytes(size)
    return server.content


def record_of(server: Server, checksum: str | None = None, **changes: str) -> DataSet:
    remote = replace(Remote(f"{server.address}/{NAME}", NAME, checksum), **changes)
    return replace(CATALOG["salinas"], remotes=(remote,))


def checksum_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def packed_answer(content: bytes) -> bytes:
    """As of a server that packs what it sends, though nobody asked for that."""
    body = gzip.compress(content)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("algorithm", ["sha256", "md5", None])
def test_a_file_comes_whole_and_once(
    algorithm: str | None, server: Server, content: bytes, tmp_path: Path
) -> None:
    checksum = None if algorithm is None else checksum_of(content, algorithm)
    record = record_of(server, checksum)
    (said,) = download(record, tmp_path / "new")
    assert ("no checksum" in said) == (algorithm is None)
    assert (tmp_path / "new" / NAME).read_bytes() == content
    assert names(tmp_path / "new") == [NAME]
    download(record, tmp_path / "new")
    assert len(server.asked) == 1, "what is there is not fetched again"


@pytest.mark.parametrize("unpacked", [False, True])
def test_what_another_process_has_fetched_meanwhile_is_taken(
    server: Server, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpacked: bool
) -> None:
    if unpacked:
        with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
            archive.writestr("a.tif", content)
        server.content = packed.getvalue()
    record = record_of(server, checksum_of(server.content), **({"folder": "images"} if unpacked else {}))

    def after_the_other(place: Path, what: Path) -> AbstractContextManager[None]:
        monkeypatch.setattr(module, "held", held)
        download(record, tmp_path)
        return held(place, what)

    monkeypatch.setattr(module, "held", after_the_other)
    (said,) = download(record, tmp_path)
    assert said.endswith(": there already")
    assert names(tmp_path) == ["images" if unpacked else NAME]
    assert len(server.asked) == 1


def test_a_wrong_checksum_is_refused_and_removed(server: Server, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"another checksum than sha256:.*what came was removed.*by hand"):
        download(record_of(server, checksum_of(content + b"x")), tmp_path)
    assert names(tmp_path) == []


def test_a_damaged_file_is_replaced_only_by_the_right_one(
    server: Server, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(b"damaged")
    server.content = b"neither"
    with pytest.raises(InputError, match="another checksum"):
        download(record_of(server, checksum_of(content)), tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"damaged"
    server.content = content
    download(record_of(server, checksum_of(content)), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_a_broken_transfer_goes_on_at_once(server: Server, content: bytes, tmp_path: Path) -> None:
    server.ends = [2 * BLOCK + 17, BLOCK + 5]
    download(record_of(server, None), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content
    assert names(tmp_path) == [NAME]
    assert server.asked == [None, f"bytes={2 * BLOCK}-", f"bytes={3 * BLOCK}-"]


def test_a_transfer_that_stays_broken_is_not_taken_for_whole(
    server: Server, content: bytes, tmp_path: Path
) -> None:
    server.ends = [3 * BLOCK + 1, 0]
    with pytest.raises(InputError, match=rf"broke after {3 * BLOCK:,} bytes; give the same command again"):
        download(record_of(server, None), tmp_path)
    assert NAME not in names(tmp_path)
    download(record_of(server, None), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content
    assert server.asked[-1] == f"bytes={3 * BLOCK}-"


@pytest.mark.parametrize("why", ["another version", "no mark", "no ranges"])
def test_what_cannot_go_on_begins_anew(why: str, server: Server, content: bytes, tmp_path: Path) -> None:
    server.mark = None if why == "no mark" else server.mark
    server.ends = [2 * BLOCK + 1, 0, 0]
    with pytest.raises(InputError, match=r"broke after|Connection broken"):
        download(record_of(server, None), tmp_path)
    if why == "another version":
        server.mark, server.content = '"two"', content[::-1]
    server.ranges = why != "no ranges"
    server.ends = []
    download(record_of(server, None), tmp_path)
    assert (tmp_path / NAME).read_bytes() == server.content


def test_more_than_there_is_begins_anew(server: Server, content: bytes, tmp_path: Path) -> None:
    place = tmp_path / f".{NAME}.fetch"
    place.mkdir()
    (place / "content").write_bytes(content + b"more")
    (place / "mark").write_text(str(server.mark))
    download(record_of(server, checksum_of(content)), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_refuses_is_named_with_the_way_by_hand(
    status: int, server: Server, content: bytes, tmp_path: Path
) -> None:
    server.status = status
    with pytest.raises(InputError, match=rf"{status}.*get Salinas by hand: .*ehu\.eus"):
        download(record_of(server), tmp_path)
    assert names(tmp_path) == []
    assert len(server.asked) == (3 if status == 500 else 1)


def test_a_server_in_trouble_is_asked_again(server: Server, content: bytes, tmp_path: Path) -> None:
    server.troubles = [503, 500]
    download(record_of(server, checksum_of(content)), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content
    assert len(server.asked) == 3


def test_a_server_that_stays_in_trouble_is_asked_three_times(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(InputError, match=r"503 Server Error.*; try again, or get "):
        download(record_of(server), tmp_path)
    assert len(server.asked) == 3
    assert names(tmp_path) == []


def test_a_server_that_says_nothing_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server.address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=r"Read timed out.*; try again, or get "):
            download(record_of(server), tmp_path)


def test_a_file_without_an_end_is_given_up(
    server: Server, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.length = False
    monkeypatch.setattr(module, "MOST_FETCHED", 2 * BLOCK)
    with pytest.raises(InputError, match=r"sends more than .* GB without an end"):
        download(record_of(server), tmp_path)
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("length", ["five", "-5", "9" * 5000])
def test_a_length_that_is_none_is_not_believed(server: Server, tmp_path: Path, length: str) -> None:
    with answering(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello".encode()) as server.address:
        download(record_of(server, checksum_of(b"hello")), tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"hello"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        *((redirect(to), r"leads to what is no address \(.*; get the file by hand") for to in NO_ADDRESSES),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000\r\n\r\n",
            r"has 9,000,000.0 GB, and .* are free",
        ),
        (b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n", r"416 Client Error.*; try again, or get "),
    ],
)
def test_an_answer_that_nobody_can_use_leaves_nothing(
    server: Server, tmp_path: Path, answer: bytes, said: str
) -> None:
    with answering(answer) as server.address, pytest.raises(InputError, match=said):
        download(record_of(server), tmp_path)
    assert names(tmp_path) == []


def test_a_part_of_another_version_is_not_put_behind_what_came(
    server: Server, content: bytes, tmp_path: Path
) -> None:
    """As of servers that look at no ``If-Range``."""
    place = tmp_path / f".{NAME}.fetch"
    place.mkdir()
    (place / "content").write_bytes(content[::-1][:BLOCK])
    (place / "mark").write_text('"zero"')
    server.ignores = True
    download(record_of(server, None), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content
    assert server.asked == [f"bytes={BLOCK}-", None]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 204 Nothing\r\n\r\n", "the server says 204 Nothing"),
        (packed_answer(bytes(1 << 20)), "the server sends more than it said"),
    ],
)
def test_what_is_not_the_file_that_was_asked_for_is_not_kept_as_it(
    server: Server, tmp_path: Path, answer: bytes, said: str
) -> None:
    with answering(answer) as server.address, pytest.raises(InputError, match=f"{said}; get the file by"):
        download(record_of(server), tmp_path)
    assert not (tmp_path / NAME).exists()


def test_a_part_that_says_how_long_the_whole_is_is_not_taken_for_it(
    server: Server, content: bytes, tmp_path: Path
) -> None:
    server.most = 4 * BLOCK
    server.ends = [BLOCK]
    download(record_of(server, None), tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


@pytest.mark.parametrize(("what", "limit"), [("MOST_UNPACKED", 1000), ("MOST_FILES", 1)])
def test_an_archive_that_would_fill_the_disk_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, limit: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.tif", bytes(10_000))
        archive.writestr("b.tif", b"")
    server.content = packed.getvalue()
    monkeypatch.setattr(unpacking, what, limit)
    with pytest.raises(InputError, match=r"holds 2 files of .* more than can be unpacked here"):
        download(record_of(server, folder="set"), tmp_path)
    assert names(tmp_path) == [f".{NAME}.fetch"]
    assert names(tmp_path / f".{NAME}.fetch") == [NAME, "lock"], "what came is not fetched again"


def test_names_that_lead_out_of_the_folder_stay_in_it(server: Server, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../out.txt", b"out")
        archive.writestr("/root.txt", b"root")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(tmp_path))
    server.content = packed.getvalue()
    download(record_of(server, folder="set"), tmp_path / "root")
    inside = sorted(path.relative_to(tmp_path / "root").as_posix() for path in tmp_path.rglob("*"))
    assert {name for name in inside if not name.startswith("set")} <= {"..", "."}
    assert not (tmp_path / "root" / "set" / "link").is_symlink()


def test_nobody_at_the_address(tmp_path: Path, server: Server) -> None:
    record = record_of(replace(server, address="http://127.0.0.1:9"))
    with pytest.raises(InputError, match="by hand"):
        download(record, tmp_path)
    assert names(tmp_path) == []


def archive(*files: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        for name in files:
            file.writestr(name, name)
    return kept.getvalue()


@pytest.mark.parametrize("around", ["", "train/"])
def test_archives_are_unpacked_and_removed(around: str, server: Server, tmp_path: Path) -> None:
    server.content = archive(f"{around}A/1.png", f"{around}B/1.png", f"{around}../../evil.png")
    record = record_of(server, checksum_of(server.content), name="train.zip", folder="train")
    download(record, tmp_path / "root")
    assert names(tmp_path / "root") == ["train"]
    assert (tmp_path / "root" / "train" / "A" / "1.png").read_text() == f"{around}A/1.png"
    assert not (tmp_path / "evil.png").exists()
    (said,) = download(record, tmp_path / "root")
    assert said.endswith("there already")
    assert len(server.asked) == 1


def test_a_damaged_archive_leaves_no_half_folder(server: Server, tmp_path: Path) -> None:
    server.content = archive("A/1.png", "B/1.png")[:-40]
    with pytest.raises(InputError, match=r"train\.zip: cannot be unpacked .* it has been removed"):
        download(record_of(server, name="train.zip", folder="train"), tmp_path)
    assert names(tmp_path) == []
    (tmp_path / "train.zip").write_bytes(server.content)  # as somebody got it by hand
    with pytest.raises(InputError, match=r"train\.zip: cannot be unpacked .* remove it and try again"):
        download(record_of(server, name="train.zip", folder="train"), tmp_path)
    assert names(tmp_path) == ["train.zip"]


def test_what_has_no_link_is_told_by_hand(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be fetched without asking; to get it, .*hrs-cas\.com"):
        download(CATALOG["xiongan"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def packed(name: str, content: bytes, **changes: int) -> bytes:
    """An archive of one file; ``changes`` are values of its entry that are written over afterwards."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    found = bytearray(kept.getvalue())
    entry = found.rindex(b"PK\x01\x02")
    for place, (offset, size) in {"flags": (8, 2), "method": (10, 2), "size": (24, 4)}.items():
        if place in changes:
            found[entry + offset : entry + offset + size] = changes[place].to_bytes(size, "little")
            if place != "size":  # stands before the file, too
                found[offset - 2 : offset - 2 + size] = changes[place].to_bytes(size, "little")
    return bytes(found)


@pytest.mark.parametrize(
    "changes",
    [{"size": 10}, {"flags": 1}, {"method": 97}, {"method": 14}],
    ids=["more than it says", "a password", "an unknown compression", "another compression"],
)
def test_an_archive_that_is_not_what_it_says_is_refused(
    changes: dict[str, int], server: Server, tmp_path: Path
) -> None:
    server.content = packed("A/1.png", bytes(10_000_000), **changes)
    with pytest.raises(InputError, match=r"cannot be unpacked .* it has been removed"):
        download(record_of(server, name="train.zip", folder="train"), tmp_path)
    assert names(tmp_path) == []


def test_a_bomb_is_refused_before_it_is_unpacked(server: Server, tmp_path: Path) -> None:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as file:
        for number in range(100):
            file.writestr(str(number), b"")
    head, *entries = many.getvalue().split(b"PK\x01\x02")
    huge = [entry[:20] + (0xFFFFFFF0).to_bytes(4, "little") + entry[24:] for entry in entries]
    server.content = b"PK\x01\x02".join([head, *huge])
    with pytest.raises(InputError, match=r"holds 100 files of 429\.5 GB, more than can be unpacked here"):
        download(record_of(server, name="train.zip", folder="train"), tmp_path)
    assert names(tmp_path / ".train.zip.fetch") == ["lock", "train.zip"]


def test_what_a_kill_left_is_removed_and_nothing_else(server: Server, content: bytes, tmp_path: Path) -> None:
    place, victim = tmp_path / f".{NAME}.fetch", tmp_path / "victim"
    place.mkdir()
    for name in ("tmpx1y2z3", "unpacked"):
        (place / name).write_bytes(b"half")
    (place / "content").symlink_to(victim)
    (tmp_path / "tmpmine").write_text("mine")
    download(record_of(server, checksum_of(content)), tmp_path)
    assert names(tmp_path) == [NAME, "tmpmine"]
    place.mkdir()
    (place / "tmpx1y2z3").write_bytes(b"half")
    (said,) = download(record_of(server, checksum_of(content)), tmp_path)
    assert said.endswith("there already")
    assert names(tmp_path) == [NAME, "tmpmine"]
    assert len(server.asked) == 1


def test_two_do_not_fetch_one_file_at_a_time(server: Server, content: bytes, tmp_path: Path) -> None:
    place = tmp_path / f".{NAME}.fetch"
    with lock_folder(place, alone=True):
        (place / "tmpx1y2z3").write_bytes(b"half")
        with pytest.raises(InputError, match=r"cube\.mat: another run is at work on it"):
            download(record_of(server), tmp_path)
        assert names(place) == ["lock", "tmpx1y2z3"]
    place_of_link = tmp_path / "linked"
    place_of_link.mkdir()
    (place_of_link / f".{NAME}.fetch").symlink_to(place)
    with pytest.raises(InputError, match="is a link"):
        download(record_of(server), place_of_link)
    assert names(place) == ["lock", "tmpx1y2z3"]


def test_a_root_that_cannot_be_made_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written \(.*\); a file stands where"):
        download(record_of(server), tmp_path / "file")
