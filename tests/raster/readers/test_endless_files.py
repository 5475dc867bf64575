"""Pipes, devices and sockets are refused by every reader before it waits for their end."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pipe_is_no_scene_no_labels_and_no_text(tmp_path: Path, scene: Scene, ending: str) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")
    path = str(tmp_path / f"pipe{ending}")
    readers: tuple[Callable[[], object], ...] = (
        lambda: open_scene(path),
        lambda: read_labels(path, scene),
        lambda: is_vector_file(path),
        lambda: list_layers(path),
        lambda: read_text(Path(path), "give another"),
    )
    for read in readers:
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


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(InputError, match=r"'a.x00b.tif': no file can have this name"):
        open_scene("a\0b.tif")
