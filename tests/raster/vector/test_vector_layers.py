"""Which layer of a vector file is meant: named, or the only one that fits, and it is said."""

import json
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.warp import transform

from programs import terramamba
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_labels
from terramamba.data.pairs.label_values import ShapeValues
from terramamba.data.pairs.shape_labels import open_shapes
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import apply
from terramamba.raster.readers.listed_paths import listed_path
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.scene_files import states_of
from terramamba.raster.vector.features import read_features
from terramamba.raster.vector.vector_files import is_vector_file, list_layers
from terramamba.raster.views.masked import masked

SIDE = 24
HERE = Affine(10, 0, 500_000, 0, -10, 5_800_000)


def box(left: float, top: float, right: float, bottom: float) -> shapely.Geometry:
    """In columns and rows of the scene."""
    (x, y), (u, v) = HERE @ (left, top), HERE @ (right, bottom)
    return shapely.box(x, v, u, y)


def layer(
    path: Path, name: str, shapes: list[shapely.Geometry], system: int = 32633, **columns: object
) -> None:
    frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=32633)
    frame.to_crs(system).to_file(path, layer=name, driver="GPKG")


@pytest.fixture
def scene(tmp_path: Path, seed: int) -> Scene:
    values = np.random.default_rng(seed).integers(1, 200, (2, SIDE, SIDE)).astype(np.uint8)
    shape = {"count": 2, "height": SIDE, "width": SIDE, "dtype": "uint8"}
    with rasterio.open(
        tmp_path / "scene.tif", "w", driver="GTiff", crs="EPSG:32633", transform=HERE, **shape
    ) as file:
        file.write(values)
    return open_scene(tmp_path / "scene.tif")


FIELDS = [box(1, 1, 8, 8), box(10, 10, 20, 20)]


@pytest.fixture(params=["gpkg", "zip"])
def survey(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project as it comes out of QGIS: fields here and elsewhere, and roads."""
    path = tmp_path / "survey.gpkg"
    layer(path, "fields 2024", FIELDS, 4326, crop=["maize", "beet"], owner=["A", "B"])
    layer(
        path, "elsewhere", [shapely.affinity.translate(one, 90_000) for one in FIELDS], crop=["rye", "oats"]
    )
    layer(path, "roads", [box(0, 4, 20, 4).boundary], kind=["track"])
    if request.param == "gpkg":
        return path
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        archive.write(path, "folder/survey.gpkg")
    return tmp_path / "sent.zip"


def test_the_only_layer_that_fits_is_taken_and_said(scene: Scene, survey: Path) -> None:
    labels = read_labels(str(survey), scene, vector=VectorOptions(class_attribute="crop"))
    assert labels.classes.names == ("beet", "maize")
    (said,) = (note for note in labels.notes if "the layer" in note)
    assert "the layer fields 2024 is taken, which alone fits (" in said
    assert "elsewhere: elsewhere" in said
    assert "roads: no attribute crop" in said


def test_a_mask_is_the_only_layer_of_polygons_here(scene: Scene, survey: Path) -> None:
    found = masked(scene, [survey])
    assert not found.read()[1][:, 1:8, 1:8].any()
    assert any("fields 2024 is taken" in note and "no polygons" in note for note in found.notes)


def test_labels_and_areas_of_pairs_are_chosen_alike(scene: Scene, survey: Path) -> None:
    values = ShapeValues("crop", ("maize",), area=str(survey))
    label = open_shapes(str(survey), scene.grid, scene.path, values)
    (changed,), (known,) = label.read()
    assert changed[1:8, 1:8].all()
    assert known.sum() == 49 + 100
    assert any("fields 2024 is taken" in note for note in label.notes)


@pytest.mark.parametrize("relative", [False, True])
def test_a_layer_is_named_behind_its_file(
    scene: Scene, survey: Path, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(survey.parent)
    file = survey.name if relative else str(survey)
    named = f"{file}:fields 2024"
    assert is_vector_file(named)
    assert list(list_layers(named)) == ["fields 2024"]
    assert len(read_features(named)) == 2
    assert listed_path(f"{survey.name}:fields 2024", survey.parent) == f"{survey}:fields 2024"
    assert read_labels(named, scene, vector=VectorOptions(class_attribute="owner")).classes.names == (
        "A",
        "B",
    )
    assert states_of([], [named]) == states_of([], [file])
    assert len(states_of([], [named]).states) >= 1
    for wrong in (f"{file}:nothing", f"{file}:fields"):
        with pytest.raises(InputError, match=r"has no layer 'nothing|fields'; its layers are"):
            read_features(wrong)


def test_layers_that_are_always_listed_do_not_count_where_they_are_empty(
    tmp_path: Path, scene: Scene
) -> None:
    path = tmp_path / "walk.gpx"
    assert scene.transform is not None
    ground = [apply(scene.transform, col + 0.5, 3.5) for col in range(4)]
    places = transform(scene.crs, "EPSG:4326", *zip(*ground, strict=True))
    points = "".join(
        f'<wpt lat="{lat}" lon="{lon}"><name>{name}</name></wpt>'
        for lon, lat, name in zip(*places, ("wood", "lake", "wood", "lake"), strict=True)
    )
    start = '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">'
    path.write_text(f'<?xml version="1.0"?>{start}{points}</gpx>')
    labels = read_labels(str(path), scene, vector=VectorOptions(class_attribute="name"))
    assert labels.classes.names == ("lake", "wood")
    assert len(labels.pixels) == 4
    assert "the layer waypoints is taken, which alone fits" in labels.notes[1]


def test_several_or_none_that_fit_are_asked_for(scene: Scene, survey: Path) -> None:
    survey = survey.with_name("survey.gpkg")
    layer(survey, "old", FIELDS, crop=["barley", "beet"])
    with pytest.raises(InputError) as several:
        read_labels(str(survey), scene, vector=VectorOptions(class_attribute="crop"))
    message = str(several.value)
    assert message.startswith(f"{survey}: 2 of its layers may be meant; name one: {survey}:fields 2024, ")
    assert f"{survey}:old" in message
    with pytest.raises(InputError, match=r"none of its 4 layers fits .*roads: no attribute height.*name "):
        read_labels(str(survey), scene, vector=VectorOptions(class_attribute="height"))


def test_the_command_takes_layers_of_labels_and_masks(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "project.gpkg"
    layer(path, "a", [box(0, 0, 10, 20), box(12, 0, 22, 20)], crop=["maize", "beet"])
    layer(path, "b", [box(0, 0, 10, 20), box(12, 0, 22, 20)], crop=["rye", "oats"])
    layer(path, "clouds", [box(0, 0, 22, 3)], what=["cloud"])
    words = ("classify", "train", "--scene", scene.path, "--labels", "project.gpkg:b", "--split", "random")
    words = (*words, "--model", "svm", "--out", "run", "--patch-size", 1, "--mask", "project.gpkg:clouds")
    done = terramamba(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    assert [one["name"] for one in card["classes"]] == ["oats", "rye"]
    words = ("classify", "train", "--scene", scene.path, "--labels", "project.gpkg", "--out", "other")
    refused = terramamba(*words, "--class-attribute", "crop", cwd=tmp_path)
    assert refused.returncode == 1
    said = "project.gpkg: 2 of its layers may be meant; name one: project.gpkg:a, project.gpkg:b; "
    assert refused.stderr.startswith(f"error: {said}where all belong together, as folders of a KML do, merge")
    assert refused.stderr.count("\n") == 1
    checked = terramamba("check", "project.gpkg:a", cwd=tmp_path)
    assert "layer a" in checked.stdout
    assert "layer b" not in checked.stdout
