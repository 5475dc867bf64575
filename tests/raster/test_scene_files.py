"""Which files a scene is made of."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from terramamba.core.file_states import FileStates
from terramamba.raster import scene_files
from terramamba.raster.checks.file_layout import MOST_FILES
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.scene import Scene
from terramamba.raster.scene_files import files_of, states_of
from terramamba.raster.views.masked import masked


def image(path: Path, driver: str = "GTiff", **options: object) -> Path:
    place = Affine(1, 0, 0, 0, -1, 6)
    kind = {"height": 6, "width": 5, "count": 1, "dtype": "uint8", "crs": 32632, "transform": place}
    with rasterio.open(path, "w", driver=driver, **(kind | options)) as file:
        file.write(np.ones((1, 6, 5), np.uint8))
    return path


def names(scene: Scene) -> set[str]:
    """Of the files that are looked at."""
    return {Path(name).name for name, _ in states_of([scene]).states}


def test_a_header_belongs_to_its_image_and_statistics_do_not(tmp_path: Path) -> None:
    image(tmp_path / "a.img", "ENVI")
    (tmp_path / "a.img.aux.xml").write_text("<PAMDataset/>")
    assert names(open_scene(tmp_path / "a.img")) == {"a.img", "a.hdr"}
    assert names(open_scene(tmp_path / "a.hdr")) == {"a.img", "a.hdr"}


def test_the_parts_of_a_vrt_and_their_parts_belong_to_it(tmp_path: Path) -> None:
    rasterio.shutil.copy(image(tmp_path / "a.tif"), tmp_path / "b.vrt", driver="VRT")
    outer = tmp_path / "c.vrt"
    outer.write_text((tmp_path / "b.vrt").read_text().replace("a.tif", "b.vrt"))
    assert names(open_scene(outer)) == {"c.vrt", "b.vrt", "a.tif"}


def test_tiles_masks_and_arrays_are_found_below_views(tmp_path: Path) -> None:
    place = Affine(1, 0, 5, 0, -1, 6)
    tiles = [image(tmp_path / "a.tif"), image(tmp_path / "b.tif", transform=place)]
    both = masked(open_scene(tiles), [image(tmp_path / "clouds.tif", width=10)])
    assert names(both) == {"a.tif", "b.tif", "clouds.tif"}
    np.save(tmp_path / "cube.npy", np.zeros((4, 5, 3)))
    cube = open_scene(tmp_path / "cube.npy", axes="rows,cols,bands")
    assert files_of(cube) == (str(tmp_path / "cube.npy"),)


def test_no_more_tiles_are_opened_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = [image(tmp_path / f"{i}.tif", transform=Affine(1, 0, 5 * i, 0, -1, 6)) for i in range(20)]
    scene = open_scene(tiles)
    opened = list[str]()

    def files(path: str) -> list[str]:
        opened.append(path)
        return [path]

    monkeypatch.setattr(scene_files, "files_of_image", files)
    sample_statistics(scene)
    assert 0 < len(opened) <= MOST_FILES
    opened.clear()
    assert set(map(str, tiles)) <= set(files_of(scene))
    assert len(opened) == len(tiles)


def test_all_files_of_a_shapefile_are_looked_at(tmp_path: Path) -> None:
    for end in ("shp", "dbf", "shx", "txt"):
        (tmp_path / f"labels.{end}").write_text("x")
    states = states_of([], [tmp_path / "labels.shp"])
    assert {Path(name).suffix for name, _ in states.states} == {".shp", ".dbf", ".shx"}


def test_a_part_of_a_vrt_that_is_replaced_is_named(tmp_path: Path) -> None:
    rasterio.shutil.copy(image(tmp_path / "a.tif"), tmp_path / "b.vrt", driver="VRT")
    states = states_of([open_scene(tmp_path / "b.vrt")])
    assert states.changed() is None
    shutil.move(image(tmp_path / "new.tif", nodata=1), tmp_path / "a.tif")
    assert states.changed(local=True) == str(tmp_path / "a.tif")
    assert isinstance(states + states, FileStates)


@pytest.mark.parametrize("path", ["/vsimem/none.tif", "s3://bucket/none.tif", "no such file"])
def test_what_cannot_be_looked_at_is_left_out(path: str) -> None:
    assert FileStates.of([path]).states == ()
