"""Files that are synced before they get their names, and what tells that they are whole."""

import os
from pathlib import Path

import pytest

from terramamba.core import durable
from terramamba.core.files import write_text


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is synced and renamed, in order, by its name."""
    told: list[str] = []
    fsync, rename = os.fsync, os.replace

    def name_of(handle: int) -> str:
        return "/".join(Path(f"/proc/self/fd/{handle}").readlink().relative_to(tmp_path).parts) or "."

    def synced(handle: int) -> None:
        told.append(f"sync {name_of(handle)}")
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        told.append(f"rename to {Path(target).relative_to(tmp_path)}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return told


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of open files are asked for in /proc")
def test_a_file_is_synced_then_renamed_then_its_folder_is_synced(steps: list[str], tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "folder" / "a.txt", "words")
    part = f"new/folder/.a.{os.getpid()}.part.txt"
    assert steps == [
        "sync .",
        "sync new",
        f"sync {part}",
        "rename to new/folder/a.txt",
        "sync new/folder",
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of open files are asked for in /proc")
def test_a_file_that_moves_to_another_folder_is_there_before_it_is_gone_here(
    steps: list[str], tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "a").write_text("words")
    durable.replace(tmp_path / "here" / "a", tmp_path / "there" / "a")
    assert steps == ["rename to there/a", "sync there", "sync here"]


def test_a_folder_that_cannot_be_opened_is_not_synced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        durable.sync_folder(tmp_path / "none")
    (tmp_path / "closed").mkdir(mode=0o300)
    durable.sync_folder(tmp_path / "closed")


def test_a_digest_tells_a_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345678")
    whole = durable.digest(path)
    assert whole.fits(path)
    for torn in (b"1234", b"12340000", b""):
        path.write_bytes(torn)
        assert not whole.fits(path)
    assert not whole.fits(tmp_path / "none")
