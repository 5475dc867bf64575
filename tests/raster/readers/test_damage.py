"""Files damaged at random places: one line that names the file, or what can still be read; nothing else."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import h5py
import numpy as np
import pyogrio.raw
import pytest
import rasterio
import scipy.io
import shapely
from affine import Affine
from PIL import Image

from drawn import class_map
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_labels
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.describe_vector import describe_features
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.vector.vector_files import is_vector_file

TRIES = 30
GROUND = {"crs": "EPSG:32632", "transform": Affine(4, 0, 500_000, 0, -4, 5_800_000)}
ROIS = """; ENVI Output of ROIs (5.3) [Mon Feb 11 09:00:00 2013]
; Number of ROIs: 2
; File Dimension: 24 x 20
;
; ROI name: corn
; ROI npts: 2
;
; ROI name: wood
; ROI npts: 1
;   ID    X    Y
     1    3    4
     2    4    4

     1   20   15
"""


def image(path: Path, cube: np.ndarray, driver: str, **profile: object) -> None:
    known = {"driver": driver, "count": len(cube), "height": 20, "width": 24, "dtype": cube.dtype}
    with rasterio.open(path, "w", **known, **GROUND, **profile) as file:
        file.write(cube)


def hdf5(path: Path, cube: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=cube, chunks=(2, 10, 12), compression="gzip")


def shapes(path: Path, cube: np.ndarray) -> None:
    boxes = [shapely.box(500_008 + 28 * i, 5_799_960, 500_028 + 28 * i, 5_799_988) for i in range(3)]
    cover = np.array(["corn", "wood", "corn"], object)
    pyogrio.raw.write(
        path, shapely.to_wkb(boxes), [cover], ["cover"], geometry_type="Polygon", crs=GROUND["crs"]
    )


WRITE: dict[str, Callable[[Path, np.ndarray], object]] = {
    "plain.tif": lambda path, cube: image(path, cube, "GTiff"),
    "packed.tif": lambda path, cube: image(path, cube, "GTiff", compress="deflate", predictor=2),
    "cloud.tif": lambda path, cube: image(path, cube, "COG"),
    "cube.img": lambda path, cube: image(path, cube, "ENVI"),
    "picture.png": lambda path, cube: Image.fromarray(cube.astype(np.uint8).transpose(1, 2, 0)).save(path),
    "picture.jp2": lambda path, cube: image(path, cube, "JP2OpenJPEG"),
    "five.mat": lambda path, cube: scipy.io.savemat(path, {"cube": cube}, do_compression=True),
    "seven.mat": hdf5,
    "cube.nc": hdf5,
    "cube.npy": np.save,
    "cube.npz": lambda path, cube: np.savez_compressed(path, cube=cube),
    "shapes.gpkg": shapes,
    "shapes.geojson": shapes,
    "shapes.shp": shapes,
    "regions.txt": lambda path, cube: path.write_text(ROIS),
}


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def blot(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(data)))
    return data[:start] + rng.bytes(int(rng.integers(1, 64))) + data[start + 32 :]


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(min(len(data), 400)))
    return data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :]


def read(path: Path, scene: Scene) -> np.ndarray:
    """The pixels of an image, or the classes that labels give the pixels of ``scene``."""
    if path.name.startswith(("shapes", "regions")):
        if is_vector_file(str(path)):
            describe_features(str(path))
        return class_map(read_labels(str(path), scene, min_classes=1))
    found = open_scene(path, bands=3)
    describe(found)
    return found.read()[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of values that damage made up
@pytest.mark.parametrize("name", WRITE)
def test_damage_is_one_line_that_names_the_file(tmp_path: Path, seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    cube = rng.integers(1, 255, (3, 20, 24)).astype(np.uint16)
    image(tmp_path / "scene.tif", cube, "GTiff")
    scene = open_scene(tmp_path / "scene.tif")
    good = tmp_path / "good"
    good.mkdir()
    WRITE[name](good / name, cube)
    whole = read(good / name, scene)
    for number in range(TRIES):
        home = copytree(good, tmp_path / str(number))
        damage = (cut, blot, flip)[number % 3]
        (home / name).write_bytes(damage((home / name).read_bytes(), rng))
        values, said = None, ""
        try:
            values = read(home / name, scene)
        except InputError as error:
            said = str(error)
        if values is None:
            assert str(home) in said
            assert "\n" not in said
            assert len(said) < 1000
        elif damage is cut and name != "regions.txt":  # text has no end that could be missing
            assert np.array_equal(values, whole)
