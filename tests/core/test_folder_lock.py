"""A folder is held by one process alone or by several together; the last one takes an empty folder away."""

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from terramamba.core import folder_lock
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import held, lock_folder, remove_any, work_folder


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "PATIENCE_SECONDS", 0.05)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_who_holds_a_folder_alone_has_nobody_beside_him(tmp_path: Path, first: bool, second: bool) -> None:
    with lock_folder(tmp_path / "parts", alone=first) as lock:
        assert lock is not None
        with lock_folder(tmp_path / "parts", alone=second) as other:
            assert other is None


def test_several_hold_a_folder_together_and_none_of_them_gets_it_alone(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "parts", alone=False) as lock:
        with lock_folder(tmp_path / "parts", alone=False) as other:
            assert lock is not None
            assert other is not None
            assert not other.change(alone=True)
        assert lock.change(alone=True)
        assert lock.change(alone=False)
    # who held it last held it with others, who may still be there
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["lock"]


def test_who_has_to_wait_is_told_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "parts"
    with lock_folder(folder, alone=True):
        here = rf"map: another run is at work on it \(process {os.getpid()} on \S+\); wait .* another place$"
        with pytest.raises(InputError, match=here), held(folder, Path("map")):
            pass
        (folder / "lock").write_text("process 12 on another.machine")
        there = r"\(process 12 on another\.machine\); .* where that machine is gone, remove .*parts/lock$"
        with pytest.raises(InputError, match=there), held(folder, Path("map")):
            pass
        for other in ("", "process 1 on a\x1b[2J host", "x" * 9999):
            (folder / "lock").write_text(other)
            with pytest.raises(InputError, match="at work on it; wait"), held(folder, Path("map")):
                pass
        (folder / "lock").unlink()  # as was said
        with held(folder, Path("map")):
            pass


def test_what_a_lock_says_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lock").write_text("process 12 on another.machine")
    with lock_folder(tmp_path / "parts", alone=True) as lock:
        assert lock is not None
        assert (tmp_path / "parts" / "lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / "parts").exists()


def test_a_disk_that_takes_no_lock_away_keeps_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for error in (ZeroDivisionError, None):  # what is said is this, not that the lock stays
        raised = nullcontext() if error is None else pytest.raises(error)
        with raised, monkeypatch.context() as patch, work_folder(tmp_path / "parts", Path("map")):
            for name in ("unlink", "rmdir", "iterdir"):
                patch.setattr(Path, name, refused)
            if error is not None:
                raise error


def test_an_empty_folder_goes_with_its_last_holder_and_one_with_files_stays(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    with lock_folder(folder, alone=True):
        (folder / "000000.npz").write_bytes(b"")
    assert sorted(path.name for path in folder.iterdir()) == ["000000.npz", "lock"]
    assert (folder / "lock").read_bytes() == b"", "nobody holds it"
    with lock_folder(folder, alone=True):
        (folder / "000000.npz").unlink()
    assert not folder.exists()


def test_a_folder_that_its_holder_removes_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    with lock_folder(folder, alone=True) as lock:
        (folder / "lock").unlink()
        with lock_folder(folder, alone=True) as other:
            assert other is not None
            assert lock is not None
            assert not lock.is_there()
        assert not folder.exists()


def test_a_folder_that_is_a_link_is_not_held_and_a_lock_that_is_one_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "parts").symlink_to("elsewhere")
    with (
        pytest.raises(InputError, match=r"parts: is a link, .* would lie elsewhere; remove the link"),
        lock_folder(tmp_path / "parts", alone=True),
    ):
        pass
    (tmp_path / "parts").unlink()
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lock").symlink_to(tmp_path / "elsewhere" / "lock")
    with pytest.raises(OSError, match="symbolic"), lock_folder(tmp_path / "parts", alone=True):
        pass
    assert not any((tmp_path / "elsewhere").iterdir())


def test_of_a_link_the_link_alone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").write_text("precious")
    (tmp_path / "link").symlink_to("elsewhere")
    remove_any(tmp_path / "link")
    remove_any(tmp_path / "not there")
    assert [path.name for path in tmp_path.rglob("*")] == ["elsewhere", "mine"]
