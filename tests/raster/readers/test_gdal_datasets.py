"""Datasets that GDAL keeps open: what lies beside an image counts, in full folders and when it changes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.raster.readers import datasets
from terramamba.raster.readers.datasets import MOST_LISTED
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene_files import files_of
from terramamba.raster.windows import Window

AUX = '<PAMDataset><PAMRasterBand band="1"><NoDataValue>{}</NoDataValue></PAMRasterBand></PAMDataset>'


def test_files_beside_an_image_count_in_a_folder_that_is_too_full_to_be_listed(tmp_path: Path) -> None:
    scenes = []
    for name, others in (("few", 0), ("many", MOST_LISTED)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(others):
            (folder / f"{number}.txt").touch()
        Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(folder / "a.png")
        (folder / "a.pgw").write_text("30\n0\n0\n-30\n500015\n5799985\n")
        (folder / "a.png.aux.xml").write_text(AUX.format(7))
        scenes.append(open_scene(folder / "a.png"))
    assert scenes[0].grid == scenes[1].grid
    assert scenes[1].transform is not None
    assert scenes[1].transform.c == 500_000
    assert [scene.nodata for scene in scenes] == [7, 7]
    assert all((~scene.read()[1]).sum() == 1 for scene in scenes)


def test_an_image_is_opened_anew_when_what_gdal_knows_of_it_has_changed(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(image)
    assert open_scene(image).nodata is None
    for nodata in (7, 11):
        Path(f"{image}.aux.xml").write_text(AUX.format(nodata))
        assert open_scene(image).nodata == nodata


def test_pages_of_a_tiff_that_are_not_read_are_said(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.full((3, 4), value, np.uint8)) for value in (1, 2))
    first.save(tmp_path / "one.tif")
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second])
    one, two = (open_scene(tmp_path / f"{name}.tif") for name in ("one", "two"))
    assert set(two.notes) - set(one.notes) == {
        "holds 2 images (pages of a TIFF), of which the first is read; save another as a file of its own "
        f"(gdal_translate GTIFF_DIR:2:{two.path} PAGE.tif)"
    }


def written_pages(path: Path, cube: np.ndarray, *more: np.ndarray) -> Path:
    first, *others = (Image.fromarray(page) for page in (*cube, *more))
    first.save(path, save_all=True, append_images=others)
    return path


def test_pages_of_one_kind_are_bands(tmp_path: Path, seed: int) -> None:
    cube = np.random.default_rng(seed).integers(0, 4000, (20, 7, 9)).astype(np.uint16)
    path = written_pages(tmp_path / "cube.tif", cube)
    scene = open_scene(path)
    assert np.array_equal(scene.read()[0], cube)
    assert np.array_equal(scene.read(Window(1, 2, 3, 4), (18, 0))[0], cube[[18, 0], 1:4, 2:6])
    assert scene.read(bands=())[0].shape == (0, 7, 9)
    assert any("its 20 pages" in note and "20 bands of 7 x 9 pixels" in note for note in scene.notes)
    assert str(path) in files_of(scene)
    assert not any("GTIFF_DIR" in name for name in files_of(scene))


def test_pages_stay_open_from_one_window_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube = np.arange(20 * 7 * 9).astype(np.uint16).reshape(20, 7, 9)
    scene = open_scene(written_pages(tmp_path / "cube.tif", cube))
    opened = list[str]()
    really = datasets.open_raster
    monkeypatch.setattr(datasets, "open_raster", lambda path: opened.append(path) or really(path))
    scene.read(Window(0, 0, 2, 9))
    scene.read(Window(2, 0, 2, 9))
    assert not opened

    monkeypatch.setattr(datasets, "_most_pages", lambda: 15)
    other = open_scene(written_pages(tmp_path / "other.tif", cube[::-1]))
    opened.clear()
    for _ in range(2):
        assert np.array_equal(other.read()[0], cube[::-1])
    assert len(opened) == 2 * (20 - 14)  # one of 15 places is taken in turn
    Image.fromarray(cube[0]).save(
        tmp_path / "other.tif", save_all=True, append_images=[Image.fromarray(cube[1])] * 19
    )
    assert np.array_equal(open_scene(tmp_path / "other.tif").read(bands=(5,))[0][0], cube[1])


def test_threads_share_how_many_pages_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = open_scene(written_pages(tmp_path / "cube.tif", np.ones((20, 7, 9), np.uint16)))
    monkeypatch.setattr(datasets, "_most_pages", lambda: 12)
    monkeypatch.setattr(datasets, "_WITH_PAGES", set[threading.Thread]())
    together = threading.Barrier(4)

    def kept(_: int) -> int:
        together.wait()
        scene.read()
        together.wait()  # all have begun
        scene.read()
        return len(datasets._THREAD.pages)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(kept, range(4))) == [3] * 4


@pytest.mark.parametrize("other", [np.zeros((3, 4), np.uint16), np.zeros((7, 9), np.uint8)])
def test_pages_of_several_kinds_are_no_bands(tmp_path: Path, other: np.ndarray) -> None:
    scene = open_scene(written_pages(tmp_path / "cube.tif", np.ones((6, 7, 9), np.uint16), other))
    assert scene.bands == 1
    assert any("holds 7 images (pages of a TIFF), of which the first is read" in note for note in scene.notes)
