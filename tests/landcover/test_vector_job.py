"""The classification job with polygons as labels, from files to files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio.features
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform_geom

from terramamba.api import evaluate_classifier, map_classes, train_classifier
from terramamba.core.errors import InputError
from terramamba.data.splits.split_files import load_split
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.open import open_scene
from terramamba.runs.folder import load_run

NAMES = ("meadow", "asphalt", "water", "forest", "soil", "roof", "crop", "sand")


def draw(labels: Path, target: Path, crs: str, keep: tuple[str, ...] = NAMES) -> str:
    """The patches of a label raster as polygons with the attribute ``cover``, in another reference system."""
    scene = open_scene(labels)
    values = scene.read()[0][0].astype(np.int32)
    # cut by a grid, so that every class has several polygons
    rows, cols = np.indices(values.shape) // 12
    cells = np.where(values > 0, values + 100 * (rows * 20 + cols + 1), 0)
    shapes, cover = [], []
    for shape, cell in rasterio.features.shapes(cells.astype(np.int32), cells > 0, transform=scene.transform):
        name = NAMES[int(cell) % 100 - 1]
        if name in keep:
            moved = transform_geom(scene.crs, CRS.from_user_input(crs), shape)
            shapes.append(shapely.geometry.shape(moved))
            cover.append(name)
    pyogrio.raw.write(
        target,
        shapely.to_wkb(np.array(shapes, object)),
        [np.array(cover, object), np.arange(len(cover))],
        ["cover", "id"],
        geometry_type="Polygon",
        crs=crs,
    )
    return str(target)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClassifySettings, dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("vector")
    made = make_scene(folder, 3, height=72, width=72, bands=12)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=draw(made.labels, folder / "labels.gpkg", "EPSG:4326"),
        out=str(folder / "run"),
        model="svm",
        split="polygon",
        train_fraction=0.4,
        val_fraction=0.2,
        min_per_class=1,
        patch_size=3,
    )
    return settings, train_classifier(settings), made.labels


def test_a_run_keeps_names_split_and_notes(trained, tmp_path):
    settings, result, raster = trained
    folder = Path(settings.out)
    assert result["protocol"] == "polygon-40-20-p3"
    assert result["leakage"]["shared"] == 0
    assert any("reprojected from EPSG:4326" in note for note in result["notes"])
    split = load_split(folder)
    assert split.kind == json.loads((folder / "split.json").read_text())["kind"] == "polygon"
    assert split.id == result["split_id"]
    # polygons drawn around the pixels of a raster are those pixels again
    values = open_scene(raster).read()[0][0]
    total = sum(sum(pixels) for pixels in result["counts"].values())
    assert total == np.count_nonzero(values)
    names = list(load_run(folder).classes.names)
    assert names == sorted(NAMES[code - 1] for code in np.unique(values[values > 0]))
    map_classes(folder, settings.scene, str(tmp_path / "map.tif"))
    with rasterio.open(tmp_path / "map.tif") as land_cover:
        assert [land_cover.tags(1)[f"CLASS_{code}"] for code in range(1, len(names) + 1)] == names


def test_scored_again_on_its_own_and_on_other_polygons(trained, tmp_path):
    settings, result, raster = trained
    assert evaluate_classifier(settings.out)["test"] == result["test"]
    names = [entry["name"] for entry in result["test"]["per_class"]]
    # fewer names, so that other codes stand for them
    other = draw(raster, tmp_path / "other.gpkg", "EPSG:3857", tuple(names[1:]))
    again = evaluate_classifier(settings.out, scene=settings.scene, labels=other)
    absent, *present = again["test"]["per_class"]
    assert (absent["name"], absent["pixels"]) == (names[0], 0)
    assert all(entry["pixels"] > 0 for entry in present)
    assert again["test"]["oa"] > 0.3
    assert any("reprojected from EPSG:3857" in note for note in again["notes"])


def test_bad_input_leaves_an_earlier_run_alone(trained, tmp_path):
    settings, _, raster = trained
    before = {path: path.stat().st_mtime_ns for path in Path(settings.out).rglob("*")}
    for change, says in (
        ({"labels": str(raster)}, "has no polygons, which --split polygon needs"),
        ({"class_attribute": "crop"}, "has no attribute 'crop'; it has 'cover'"),
        ({"layer": "roads"}, "has no layer 'roads'"),
        ({"min_coverage": 2.0}, r"--min-coverage 2(\.0)?: a share of a pixel above 0"),
        ({"labels": str(tmp_path / "missing.gpkg")}, "missing.gpkg: no such file"),
    ):
        with pytest.raises(InputError, match=says):
            train_classifier(replace(settings, overwrite=True, **change))
    assert {path: path.stat().st_mtime_ns for path in Path(settings.out).rglob("*")} == before
