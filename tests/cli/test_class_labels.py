"""What files are taken for as class labels: said, obeyed up to the map, asked about in doubt."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely

from terramamba.data.synthetic.files import SyntheticScene, make_scene
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("scene"), 3, height=40, width=40, bands=6)


def relabelled(scene: SyntheticScene, path: Path, change: Callable, nodata: float | None) -> Path:
    """The labels of ``scene``, without names and colours, as ``change`` makes others of them."""
    labels = open_scene(scene.labels)
    values = change(labels.read()[0]).astype(np.uint8)
    write_geotiff(path, values, labels.grid, nodata=nodata)
    return path


def train(scene: SyntheticScene, labels: Path, run: Path) -> tuple[object, ...]:
    words = ("classify", "train", "--scene", scene.scene, "--labels", labels, "--out", run)
    return (*words, "--split", "random", "--patch-size", 3, "--model", "svm")


def test_classes_from_0_come_back_from_a_map(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    labels = relabelled(scene, tmp_path / "labels.tif", lambda v: np.where(v > 0, v - 1, 255), 255)
    done = terramamba(*train(scene, labels, tmp_path / "run"))
    assert done.status == 0, done.err
    classes = json.loads((tmp_path / "run" / "model.json").read_text())["classes"]
    assert classes[0]["code"] == 0
    assert "0 is a class" in done.err
    land = tmp_path / "map.tif"
    mask = relabelled(scene, tmp_path / "mask.tif", lambda v: np.indices(v.shape)[2] < 2, None)
    assert (
        terramamba("classify", "map", tmp_path / "run", scene.scene, "--mask", mask, "--out", land).status
        == 0
    )
    with rasterio.open(land) as file:
        values = file.read(1)
        assert file.nodata == 255
    assert (values[:, :2] == 255).all()
    assert set(np.unique(values).tolist()) <= {255, *(row["code"] for row in classes)}
    assert np.mean(values[:, 2:] == 0) > 0.01
    page = terramamba("report", tmp_path / "run", "--map", land)
    assert page.status == 0, page.err
    again = terramamba("classify", "evaluate", tmp_path / "run", "--scene", scene.scene, "--labels", land)
    assert again.status == 0, again.err
    assert "overall accuracy  100.00 %" in again.out
    from_1 = relabelled(scene, tmp_path / "from_1.tif", lambda v: v, 0)
    refused = terramamba("classify", "evaluate", tmp_path / "run", "--scene", scene.scene, "--labels", from_1)
    assert refused.status == 1
    assert "its classes are numbered from 1, those of the run from 0" in refused.err


def test_a_code_in_doubt_stops_training_before_anything_is_written(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    labels = relabelled(scene, tmp_path / "labels.tif", lambda v: np.where(v == v.max(), 255, v), None)
    words = train(scene, labels, tmp_path / "run")
    refused = terramamba(*words)
    assert refused.status == 1
    assert refused.err.count("\n") == 1
    assert (
        "--ignore-classes 255 where it is unlabelled, --ignore-classes 0 where it is a class" in refused.err
    )
    assert not (tmp_path / "run").exists()
    without = terramamba(*words, "--ignore-classes", 255, "--dry-run")
    assert without.status == 0, without.err
    assert "unlabelled: 255" in without.out
    kept = terramamba(*words, "--ignore-classes", 0, "--dry-run")
    assert "class 255" in kept.out
    assert "unlabelled: 0" in kept.out


def test_a_set_is_scored_by_names_whatever_its_codes(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    run = tmp_path / "run"
    assert terramamba(*train(scene, scene.labels, run)).status == 0
    names = {row["code"]: row["name"] for row in json.loads((run / "model.json").read_text())["classes"]}
    labels = open_scene(scene.labels)
    values = labels.read()[0].astype(np.uint8)
    turned = np.where(values > 0, 8 - values, 0).astype(np.uint8)
    called = {8 - code: name for code, name in names.items()}
    write_geotiff(tmp_path / "turned.tif", turned, labels.grid, nodata=0, class_names=called)
    words = ("classify", "evaluate", run, "--scene", scene.scene, "--labels")
    as_trained, by_name = terramamba(*words, scene.labels), terramamba(*words, tmp_path / "turned.tif")
    assert by_name.status == 0, by_name.err
    table, _, _ = as_trained.out.partition("calibration")
    assert by_name.out.startswith(table), by_name.out + as_trained.out
    assert "matched by name, not by code" in by_name.out
    write_geotiff(tmp_path / "odd.tif", values, labels.grid, nodata=0, class_names={**names, 1: "glacier"})
    refused = terramamba(*words, tmp_path / "odd.tif")
    assert refused.status == 1
    assert f"code 1 is 'glacier' here, but {names[1]!r} in the run" in refused.err
    renamed = terramamba(*words, tmp_path / "odd.tif", "--class-names", ",".join(names.values()))
    assert renamed.out.startswith(table), renamed.err


def test_check_says_which_classes_an_image_is_taken_for(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    said = terramamba("check", scene.labels).out
    assert "as class labels" in said
    assert "road       #5a5a64" in said
    assert "unlabelled  no data as 0 is declared (" in said
    row = relabelled(scene, tmp_path / "row.tif", lambda v: v, 2)
    assert "2 (" in (said := terramamba("check", row).out)
    assert "though it is one of the row of the codes" in said
    plain = relabelled(scene, tmp_path / "plain.tif", lambda v: np.where(v == v.max(), 99, v), None)
    said = terramamba("check", plain).out
    assert "to be settled" in said
    assert "--ignore-classes 99" in said
    assert "no other value is declared as no data" in said
    for other in (scene.scene, tmp_path / "float.tif"):
        if other != scene.scene:
            write_geotiff(
                other, np.linspace(0, 1, 1600, dtype=np.float32).reshape(1, 40, 40), scene_grid(scene)
            )
        assert "as class labels" not in terramamba("check", other).out


def test_check_of_a_scene_and_what_is_no_labels_speaks_of_labels(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    codes = np.indices((40, 40))[0] // 10
    grid = scene_grid(scene)
    rng = np.random.default_rng(0)
    for name, values, error in (
        ("fractions", codes * 0.25, "holds 0.25, which is no class code"),
        ("measured", rng.random((40, 40)), "which is no class code"),
        ("shares", codes == np.arange(4)[:, None, None], "these are a band for each class"),
        ("beside a mask", np.stack([codes, (codes > 0) * 255]).astype(np.uint8), "has 2 bands; labels need"),
        ("colours", (codes * np.array([60, 0, 20])[:, None, None]).astype(np.uint8), "picture of 4 colours"),
        ("other date", rng.random((3, 40, 40)), "not a pair"),
        ("photograph", rng.integers(0, 255, (3, 40, 40)).astype(np.uint8), "not a pair"),
    ):
        kind = values.dtype if values.dtype == np.uint8 else np.float32
        write_geotiff(tmp_path / f"{name}.tif", values.astype(kind).reshape(-1, 40, 40), grid)
        refused = terramamba("check", scene.scene, tmp_path / f"{name}.tif")
        assert refused.status == 1
        assert error in refused.err, name


def test_a_grey_image_beside_a_photograph_is_another_date(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (3, 40, 40)).astype(np.uint8)
    for bands in (1, 3):
        write_geotiff(tmp_path / f"{bands}.tif", grey[:bands], scene_grid(scene))
    refused = terramamba("check", tmp_path / "3.tif", tmp_path / "1.tif")
    assert "not a pair" in refused.err
    write_geotiff(tmp_path / "codes.tif", grey[:1] // 90, scene_grid(scene))
    assert "labelled pixels" in terramamba("check", tmp_path / "3.tif", tmp_path / "codes.tif").out


def test_labels_that_are_named_before_their_scene_are_told(
    scene: SyntheticScene, terramamba: Callable
) -> None:
    refused = terramamba("check", scene.labels, scene.scene)
    assert refused.status == 1
    assert f"name the scene before it: {scene.scene} {scene.labels}" in refused.err
    assert refused.err.count("\n") == 1


def scene_grid(scene: SyntheticScene):
    return open_scene(scene.scene).grid


def test_check_says_which_attribute_names_the_classes(tmp_path: Path, terramamba: Callable) -> None:
    boxes = [
        shapely.MultiPolygon([shapely.box(i, 0, i + 1, 1), shapely.box(i, 3, i + 1, 4)]) for i in range(4)
    ]
    cover = np.array(["wood", "corn", None, "wood"], object)

    def write(name: str, **attributes: np.ndarray) -> Path:
        pyogrio.raw.write(
            tmp_path / name,
            shapely.to_wkb(np.array(boxes, object)),
            list(attributes.values()),
            list(attributes),
            geometry_type="MultiPolygon",
            crs="EPSG:32633",
        )
        return tmp_path / name

    said = terramamba("check", write("one.gpkg", cover=cover, nr=np.arange(1, 5))).out
    assert "as class labels by the attribute 'cover'" in said
    assert "wood" in said.partition("as class labels")[2]
    assert "without a class  1 features" in said
    assert "6, which --split polygon counts as polygons of their own" in said
    asked = terramamba("check", write("two.gpkg", cover=cover, kind=np.array([1, 2, 1, 2])))
    assert asked.status == 0
    assert "several attributes can say the class; choose with --class-attribute: 'cover'" in asked.out


def test_labels_that_list_pixels_are_checked_with_their_scene(scene, tmp_path, terramamba) -> None:
    path, codes = tmp_path / "regions.txt", open_scene(scene.labels).read()[0][0]
    lines = [f"; ENVI Output of ROIs (4.8)\n; File Dimension: {codes.shape[1]} x {codes.shape[0]}"]
    pixels = []
    for code in np.unique(codes[codes > 0]):
        own = np.argwhere(codes == code) + 1
        lines.append(f"; ROI name: cover {code}\n; ROI npts: {len(own)}")
        pixels += [f"1 {col} {row}" for row, col in own]
    path.write_text("\n".join([*lines, "; ID X Y", *pixels]), encoding="utf-8")
    done = terramamba("check", scene.scene, path)
    assert "cover 1" in done.out, done.err
    alone = terramamba("check", path)
    assert alone.status == 1
    assert "labels the pixels of a scene (ENVI regions of interest); name the scene before it" in alone.err
