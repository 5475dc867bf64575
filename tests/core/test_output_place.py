"""Outputs that cannot lie where they are named are refused before any work, with what to do about it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from terramamba.cli import main
from terramamba.core import unwritable as disks
from terramamba.core.errors import InputError
from terramamba.core.output_place import require_place, require_replaceable
from terramamba.core.whole_folder import make_whole
from terramamba.raster.output.staging import check_outputs
from terramamba.runs.folder import check_folder
from terramamba.runs.result_folder import check_result_folder

CHECKS: dict[str, Callable[[Path], object]] = {
    "a file": lambda out: check_outputs([out]),
    "results": lambda out: check_result_folder(out, "scores.json"),
    "a run": check_folder,
    "a folder": lambda out: make_whole(out, lambda _: pytest.fail("work was done")),
}


@pytest.fixture(params=CHECKS)
def check(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    return CHECKS[request.param]


def test_names_that_cannot_be_are_refused_with_a_remedy(
    tmp_path: Path, check: Callable[[Path], object]
) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for out, remedy in (
        (tmp_path / ("n" * 260), "give a shorter name"),
        (tmp_path / "file" / "x", "a file stands where a folder is named"),
        (tmp_path / "circle" / "x", "its links lead in a circle"),
    ):
        with pytest.raises(InputError, match=f"cannot be written .*; {remedy}") as caught:
            check(out)
        assert "\n" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "circle"}


def test_names_whose_drafts_have_no_room_are_refused(tmp_path: Path) -> None:
    require_place(tmp_path / ("n" * 241))
    with pytest.raises(InputError, match="give a shorter name"):
        require_place(tmp_path / ("n" * 242))


@pytest.mark.parametrize("missing", [(), ("new", "er")])
def test_a_folder_without_rights_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[Path], object],
    missing: tuple[str, ...],
) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != tmp_path)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\); check the rights there"):
        check(tmp_path.joinpath(*missing, "out"))
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_read_only_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    require_replaceable(out)
    out.write_bytes(b"kept")
    check_outputs([out], overwrite=True)
    out.chmod(0o444)
    with pytest.raises(InputError, match=r"map\.tif: is read-only, so it stays; make it writable"):
        check_outputs([out], overwrite=True)
    with pytest.raises(InputError, match="exists already"):
        check_outputs([out])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such folders")
def test_a_file_of_somebody_else_is_not_overwritten_where_each_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "map.tif"
    out.write_bytes(b"kept")
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 12345)
    require_replaceable(out)
    tmp_path.chmod(0o1777)
    with pytest.raises(InputError, match=r"map\.tif: is somebody else's"):
        require_replaceable(out)
    monkeypatch.setattr(os, "geteuid", lambda: own)
    require_replaceable(out)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EDQUOT, "have more allotted"),
        (errno.EROFS, "name a place that can be written"),
        (errno.EIO, "see whether the disk is there and sound"),
        (errno.EMFILE, "have more files open at a time"),
    ],
)
@pytest.mark.parametrize("name", [None, "some/file"])
def test_what_a_disk_says_anywhere_is_one_line_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    remedy: str,
    name: str | None,
) -> None:
    def failing(words: list[str]) -> int:
        raise OSError(number, os.strerror(number), name)

    monkeypatch.setattr("terramamba.cli._dispatch", failing)
    assert main(["info"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {'' if name is None else name + ': '}{os.strerror(number)}; ")
    assert remedy in said
    assert "foreseen" not in said


def test_what_is_not_of_disks_stays_unforeseen() -> None:
    assert not disks.is_of_disks(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    assert not disks.is_of_disks(OSError("words alone"))
    assert disks.remedy_of(OSError("words alone")) == disks.ANY_REASON
