"""Made-up images as files, for the demo, for tests and for trying things out without any download."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from PIL import Image
from rasterio.crs import CRS

from terramamba.core.files import atomic_path
from terramamba.data.synthetic.pair import PairArrays, draw_pair
from terramamba.data.synthetic.scene import CLASSES, draw_scene
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff

UTM = CRS.from_epsg(32632)
ORIGIN = (500_000.0, 5_800_000.0)
"""Easting and northing of every made-up image's upper left corner, in metres."""

NODATA = 0


@dataclass(frozen=True)
class SyntheticScene:
    """A hyperspectral GeoTIFF and its labels; ``cover`` has the main class of every pixel, to look at."""

    scene: Path
    labels: Path
    cover: Path
    dead_band: int


@dataclass(frozen=True)
class SyntheticPairs:
    """Image pairs under ``root`` (train, val, test; A, B, label), and a larger georeferenced pair."""

    root: Path
    before: Path
    after: Path
    truth: Path


def make_scene(
    folder: str | Path,
    seed: int,
    *,
    height: int = 120,
    width: int = 120,
    bands: int = 48,
    overwrite: bool = False,
) -> SyntheticScene:
    """Write ``scene.tif``, ``labels.tif`` and ``cover.tif`` to ``folder``.

    The scene is reflectance x 10,000 at 4 m, with the wavelengths in its band names, one dead band and a
    corner without data. See ``draw_scene`` for what is in it.
    """
    home = _made(folder)
    dead_band = bands // 3
    arrays = draw_scene(np.random.default_rng(seed), height, width, bands, dead_band=dead_band, nodata=NODATA)
    grid = Grid(height, width, UTM, Affine(4, 0, ORIGIN[0], 0, -4, ORIGIN[1]))
    scene, labels, cover = (home / name for name in ("scene.tif", "labels.tif", "cover.tif"))
    write_geotiff(
        scene,
        arrays.reflectance,
        grid,
        nodata=NODATA,
        band_names=[f"{wavelength:.1f} nm" for wavelength in arrays.wavelengths],
        overwrite=overwrite,
    )
    colours = dict(enumerate(CLASSES.values(), start=1))
    names = dict(enumerate(CLASSES, start=1))
    for path, classes in ((labels, arrays.labels), (cover, arrays.cover)):
        write_geotiff(
            path,
            classes[None],
            grid,
            nodata=NODATA,
            colours=colours,
            class_names=names,
            overwrite=overwrite,
        )
    return SyntheticScene(scene, labels, cover, dead_band)


def make_pairs(
    folder: str | Path,
    seed: int,
    *,
    train: int = 24,
    val: int = 6,
    test: int = 8,
    size: int = 128,
    scene: tuple[int, int] = (384, 512),
    overwrite: bool = False,
) -> SyntheticPairs:
    """Write PNG pairs of ``size`` x ``size`` pixels to ``folder`` and a GeoTIFF pair of ``scene`` at 0.5 m.

    The pairs lie in ``train``, ``val`` and ``test`` with ``A``, ``B`` and ``label`` (255: changed) in each.
    See ``draw_pair`` for what is in them. The after image of the larger pair has a corner without data.
    """
    home = _made(folder)
    random = np.random.default_rng(seed)
    for subset, count in (("train", train), ("val", val), ("test", test)):
        for number in range(1, count + 1):
            _write_png_pair(home / subset, f"{subset}_{number:03d}.png", draw_pair(random, size, size))
    arrays = draw_pair(random, *scene)
    row, col = np.ogrid[: scene[0], : scene[1]]
    arrays.after[:, row + 2 * (scene[1] - 1 - col) < scene[0] // 4] = NODATA
    grid = Grid(*scene, UTM, Affine(0.5, 0, ORIGIN[0], 0, -0.5, ORIGIN[1]))
    before, after, truth = (home / "scene" / name for name in ("before.tif", "after.tif", "truth.tif"))
    _made(home / "scene")
    for path, image in ((before, arrays.before), (after, arrays.after)):
        write_geotiff(
            path, image, grid, nodata=NODATA, band_names=["red", "green", "blue"], overwrite=overwrite
        )
    write_geotiff(truth, arrays.changed[None].astype(np.uint8), grid, overwrite=overwrite)
    return SyntheticPairs(home, before, after, truth)


def _write_png_pair(folder: Path, name: str, arrays: PairArrays) -> None:
    images = {
        "A": arrays.before.transpose(1, 2, 0),
        "B": arrays.after.transpose(1, 2, 0),
        "label": arrays.changed.astype(np.uint8) * 255,
    }
    for place, image in images.items():
        with atomic_path(folder / place / name) as draft:
            Image.fromarray(np.ascontiguousarray(image)).save(draft)


def _made(folder: str | Path) -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path
