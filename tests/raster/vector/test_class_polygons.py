"""Patches of a land-cover map as polygons: they cover it, fit together, and have codes of classes."""

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio.features
import shapely
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.vector import area_polygons, pieces
from terramamba.raster.vector.class_polygons import class_layer, trace_classes
from written import write_polygons

PLACE = (CRS.from_epsg(32632), Affine(10, 0, 500_000, 0, -10, 5_000_000))


@pytest.fixture
def classes(seed: int) -> np.ndarray:
    """Classes 0, 3 and 7 in patches of all sizes, and no data (9)."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((50, 40)), 1.2)
    values = np.choose(np.digitize(smooth, [-0.1, 0.1]), [0, 3, 7])
    values[20:24] = 9
    return values


def written(folder: Path, classes: np.ndarray) -> Path:
    path = folder / "map.tif"
    write_geotiff(path, classes[None].astype(np.uint8), Grid(*classes.shape, *PLACE), nodata=9)
    return path


@pytest.mark.parametrize("code", [7, 254, 300])
def test_patches_cover_what_is_mapped_with_their_codes(
    tmp_path: Path, classes: np.ndarray, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    classes[classes == 7] = code
    grid = Grid(*classes.shape, *PLACE)
    write_geotiff(tmp_path / "map.tif", classes[None].astype(np.uint16), grid, nodata=9)
    monkeypatch.setattr(pieces, "PIXELS_PER_STRIP", 7 * 40)
    monkeypatch.setattr(area_polygons, "EDGES_AT_ONCE", 100)
    runs = list(trace_classes(tmp_path / "map.tif", (0, 3, code)))
    assert len(runs) > 2
    shapes = np.concatenate([run.geometry for run in runs])
    codes = np.concatenate([run.value for run in runs])
    burnt = rasterio.features.rasterize(
        [(shape, int(code) + 1) for shape, code in zip(shapes, codes, strict=True)],
        out_shape=classes.shape,
        transform=PLACE[1],
        dtype="int32",
    )
    np.testing.assert_array_equal(burnt, np.where(classes == 9, 0, classes + 1))
    counts = [ndimage.label(classes == one)[1] for one in (0, 3, code)]
    assert [np.count_nonzero(codes == one) for one in (0, 3, code)] == counts
    assert sum(run.pixels.sum() for run in runs) == np.count_nonzero(classes != 9)
    assert all(run.mean_probability is None for run in runs)


def test_patches_still_fit_together_when_they_are_simplified(tmp_path: Path, classes: np.ndarray) -> None:
    path = written(tmp_path, classes)
    (plain,) = trace_classes(path, (0, 3, 7))
    (smooth,) = trace_classes(path, (0, 3, 7), simplify=1)
    corners = [shapely.get_num_coordinates(run.geometry).sum() for run in (smooth, plain)]
    assert corners[0] < corners[1]
    for run in (plain, smooth):
        assert shapely.is_valid(run.geometry).all()
        assert shapely.coverage_is_valid(run.geometry)
    assert smooth.area.tolist() == plain.area.tolist()


def test_the_layer_has_names_and_areas(tmp_path: Path) -> None:
    values = np.full((20, 30), 3)
    values[5:10, 5:10] = 7
    write_geotiff(tmp_path / "map.tif", values[None].astype(np.uint8), Grid(20, 30, *PLACE), nodata=0)
    layer = class_layer({3: "wood, mixed", 7: "Gewässer"})
    write_polygons(trace_classes(tmp_path / "map.tif", (3, 7)), tmp_path / "c.gpkg", layer)
    meta, _, _, columns = pyogrio.raw.read(tmp_path / "c.gpkg", layer="classes")
    assert meta["fields"].tolist() == ["id", "code", "class", "area_m2", "pixels"]
    found = dict(zip(meta["fields"], columns, strict=True))
    assert found["class"].tolist() == ["wood, mixed", "Gewässer"]
    assert (found["code"].tolist(), found["pixels"].tolist()) == ([3, 7], [575, 25])
    assert found["area_m2"][1] == pytest.approx(2500 / 0.9996**2, rel=1e-6)


def test_more_outlines_than_can_be_simplified_together_are_refused(
    tmp_path: Path, classes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, classes)
    edges = np.count_nonzero(np.diff(classes, axis=1)) + len(classes)
    monkeypatch.setattr(area_polygons, "EDGES_OF_ONE", edges // 2)
    list(trace_classes(path, (0, 3, 7)))
    with pytest.raises(InputError, match=r"--simplify: .* leave it out, or give a larger --min-area"):
        list(trace_classes(path, (0, 3, 7), simplify=1))
