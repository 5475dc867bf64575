"""Pipes, devices, sockets and what may not be read are refused by every reader, in its own words."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.core.regular import require_regular
from terramamba.data.labels.labels import read_labels
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.vector.vector_files import is_vector_file, list_layers

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
ENDINGS = ["", ".tif", ".npy", ".npz", ".mat", ".nc", ".csv", ".json", ".geojson", ".shp", ".zip", ".txt"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    path = tmp_path_factory.mktemp("scene") / "scene.npy"
    np.save(path, np.ones((3, 4, 5), np.uint8))
    return open_scene(path, axes="bands,rows,cols")


def readers_of(path: str, scene: Scene) -> tuple[Callable[[], object], ...]:
    return (
        lambda: open_scene(path),
        lambda: read_labels(path, scene),
        lambda: is_vector_file(path),
        lambda: list_layers(path),
        lambda: read_text(Path(path), "give another"),
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pipe_is_no_scene_no_labels_and_no_text(tmp_path: Path, scene: Scene, ending: str) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")
    path = str(tmp_path / f"pipe{ending}")
    for read in readers_of(path, scene):
        with pytest.raises(
            InputError, match=rf"pipe{ending}: is a pipe and no file; save what comes from it"
        ):
            read()


def test_devices_and_sockets_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("endless.tif").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.csv")
        for name, what in (("endless.tif", "a device"), ("s.csv", "a socket")):
            with pytest.raises(InputError, match=f"{name}: is {what} and no file"):
                require_regular(name)
    for name in (tmp_path, "absent", "x" * 300):
        require_regular(name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_may_not_be_read_is_no_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: Scene, ending: str
) -> None:
    path = tmp_path / f"shut{ending}"
    path.write_bytes(b"words")
    opened = Path.open

    def refused(self: Path, *words: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *words, **options)

    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != path)
    require_regular(path)  # some systems say so of files that can be read
    monkeypatch.setattr(Path, "open", refused)
    for read in readers_of(str(path), scene):
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); check the rights there"):
            read()


def test_a_disk_that_is_gone_is_no_damaged_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> str:
        raise OSError(errno.ESTALE, "Stale file handle")

    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(InputError, match=r"No such file or directory.*; restore it"):
        read_text(tmp_path / "absent.json", "restore it")
    monkeypatch.setattr(Path, "read_text", gone)
    with pytest.raises(InputError, match=r"\(Stale file handle\); see whether the disk is there"):
        read_text(tmp_path / "model.json", "restore it")


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(InputError, match=r"'a.x00b.tif': no file can have this name"):
        open_scene("a\0b.tif")
