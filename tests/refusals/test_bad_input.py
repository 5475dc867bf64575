"""Bad input as people meet it, each given to the program: what it says, and that nothing comes of it."""

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import scipy.io
import shapely
from affine import Affine
from rasterio.warp import transform as to_crs

from programs import terramamba
from terramamba.cli import main
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.raster.geogrid import compose
from terramamba.raster.readers.open import open_scene

TRAIN = ("--model", "svm", "--split", "random", "--patch-size", "3", "--out", "run")


@dataclass(frozen=True)
class Bench:
    """Good files and a run of each job, and a folder for the files that a case spoils."""

    scene: Path
    labels: Path
    before: Path
    after: Path
    pairs: Path
    cover_run: Path
    change_run: Path
    given: Path = Path()


Case = Callable[[Bench], tuple[Sequence[object], Sequence[str]]]
"""Writes a bad file to ``given``; returns the words of a command, and what its message must say."""
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    home = tmp_path_factory.mktemp("bench")
    scene = make_scene(home / "scene", 0, height=40, width=40, bands=8)
    pairs = make_pairs(home / "pairs", 0, train=2, val=2, test=2, size=32, scene=(64, 64))
    cover = ("classify", "train", "--scene", scene.scene, "--labels", scene.labels, *TRAIN[:-1], "cover")
    change = ("change", "train", "--data", pairs.root, "--model", "cva", "--out", "change")
    for words in (cover, change):
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), chdir(home):
            assert main([str(word) for word in words]) == 0
    return Bench(
        *(scene.scene, scene.labels, pairs.before, pairs.after, pairs.root),
        *(home / "cover", home / "change"),
    )


def rewritten(
    source: Path,
    target: Path,
    change: Callable[[np.ndarray], np.ndarray] = lambda values: values,
    **profile: Any,
) -> Path:
    """The image ``source`` as ``target``, with its values changed (cropped where fewer) and its profile."""
    with rasterio.open(source) as image:
        values, known, names = change(image.read()), image.profile, image.descriptions
    known |= {
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
    }
    with rasterio.open(target, "w", **(known | profile)) as file:
        file.write(values)
        if len(names) == len(values):
            file.descriptions = names
    return target


def damaged(path: Path, keep: float = 1.0, blot: float | None = None) -> Path:
    """``path`` cut off after a share of its bytes, or with 64 bytes written over from there."""
    whole = bytearray(path.read_bytes())
    if blot is not None:
        start = int(len(whole) * blot)
        whole[start : start + 64] = b"\xff" * 64
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


def train(scene: Path, labels: Path, *more: object) -> tuple[object, ...]:
    return ("classify", "train", "--scene", scene, "--labels", labels, *TRAIN, *more)


def cover_map(bench: Bench, scene: Path) -> tuple[object, ...]:
    return ("classify", "map", bench.cover_run, scene, "--out", "map.tif", "--probabilities", "sure.tif")


def change_map(bench: Bench, before: Path, after: Path) -> tuple[object, ...]:
    return ("change", "map", bench.change_run, before, after, "--out", "map.tif", "--polygons", "map.gpkg")


def drawn(
    path: Path, shapes: Sequence[shapely.Geometry], crs: str = "EPSG:32632", **attributes: object
) -> Path:
    """A vector file of polygons; GDAL makes the file as its suffix says."""
    columns = [np.array(values, object) for values in attributes.values()]
    wkb = shapely.to_wkb(np.array(shapes, object))
    pyogrio.raw.write(path, wkb, columns, list(attributes), geometry_type="Polygon", crs=crs)
    return path


def squares(scene: Path, count: int = 4) -> list[shapely.Geometry]:
    """Squares of 8 pixels on the scene's ground, in a row."""
    with rasterio.open(scene) as image:
        pixel, left, top = image.transform.a, image.transform.c, image.transform.f
    corners = [(9 * number + 2) * pixel for number in range(count)]
    return [shapely.box(left + c, top - c - 8 * pixel, left + c + 8 * pixel, top - c) for c in corners]


@case
def a_scene_of_another_sensor(bench: Bench) -> Any:
    scene = rewritten(bench.scene, bench.given / "sensor.tif")
    with rasterio.open(scene, "r+") as image:
        image.descriptions = [f"{300 + 50 * band} nm" for band in image.indexes]
    return cover_map(bench, scene), (
        "sensor.tif",
        "no band within",
        "trained on one",
        "at 700 nm",
        "same sensor",
        "--bands",
    )


@case
def a_pair_with_bands_the_model_does_not_know(bench: Bench) -> Any:
    before, after = (
        rewritten(path, bench.given / path.name, lambda values: values[:1])
        for path in (bench.before, bench.after)
    )
    return change_map(bench, before, after), ("before.tif", "1 band", "trained on", "same bands")


@case
def dates_of_different_bands(bench: Bench) -> Any:
    after = rewritten(bench.after, bench.given / "after.tif", lambda values: values[:2])
    return change_map(bench, bench.before, after), ("after.tif", "2 bands", "trained on 3", "--bands")


@case
def dates_that_do_not_overlap(bench: Bench) -> Any:
    far = Affine(4, 0, 900_000, 0, -4, 5_800_000)
    after = rewritten(bench.after, bench.given / "after.tif", transform=far)
    return change_map(bench, bench.before, after), ("after.tif", "do not overlap")


@case
def dates_in_different_systems(bench: Bench) -> Any:
    with rasterio.open(bench.after) as image:
        (x,), (y,) = to_crs(image.crs, "EPSG:32631", [image.transform.c], [image.transform.f])
        transform = Affine(image.transform.a, 0, x, 0, image.transform.e, y)
    after = rewritten(bench.after, bench.given / "after.tif", crs="EPSG:32631", transform=transform)
    return change_map(bench, bench.before, after), ("after.tif", "zone 31N", "zone 32N", "first's grid")


@case
def dates_on_different_grids(bench: Bench) -> Any:
    with rasterio.open(bench.after) as image:
        moved = compose(image.transform, Affine.translation(2.5, 0))
    after = rewritten(bench.after, bench.given / "after.tif", transform=moved)
    return change_map(bench, bench.before, after), ("after.tif", "2.5 columns", "first's grid")


@case
def complex_numbers(bench: Bench) -> Any:
    scene = rewritten(
        bench.scene, bench.given / "radar.tif", lambda values: values.astype(np.complex64), nodata=None
    )
    return ("check", bench.scene, scene), ("radar.tif", "complex", "amplitude or intensity")


@case
def one_block_that_is_damaged(bench: Bench) -> Any:
    tiles = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"}
    scene = damaged(rewritten(bench.scene, bench.given / "tiles.tif", **tiles), blot=0.6)
    return cover_map(bench, scene), ("tiles.tif", "rows", "columns", "damaged or incomplete")


@case
def a_scene_that_is_cut_off(bench: Bench) -> Any:
    scene = damaged(rewritten(bench.scene, bench.given / "cut.tif"), keep=0.7)
    return train(scene, bench.labels), ("cut.tif", "damaged or incomplete")


@case
def envi_data_that_end_early(bench: Bench) -> Any:
    scene = damaged(rewritten(bench.scene, bench.given / "cut.img", driver="ENVI"), keep=0.7)
    return train(scene, bench.labels), ("cut.img", "17,920 bytes", "25,600", "damaged or incomplete")


@case
def a_header_without_data(bench: Bench) -> Any:
    rewritten(bench.scene, bench.given / "lost.img", driver="ENVI").unlink()
    return ("check", bench.given / "lost.hdr"), ("lost.hdr", "lost", "missing")


@case
def data_without_a_header(bench: Bench) -> Any:
    scene = rewritten(bench.scene, bench.given / "bare.bil", driver="ENVI")
    scene.with_suffix(".hdr").unlink()
    return ("check", scene), ("bare.bil", "bare.hdr", "header")


@case
def two_cubes_of_equal_standing(bench: Bench) -> Any:
    cube = np.moveaxis(open_scene(bench.scene).read()[0], 0, 2)
    scipy.io.savemat(bench.given / "both.mat", {"early": cube, "late": cube + 1})
    return train(bench.given / "both.mat", bench.labels), ("early 40 x 40 x 8", "late", "--scene-variable")


@case
def a_check_of_two_cubes_of_equal_standing(bench: Bench) -> Any:
    cube = np.zeros((4, 5, 6))
    scipy.io.savemat(bench.given / "both.mat", {"early": cube, "late": cube + 1})
    return ("check", bench.given / "both.mat"), ("early 4 x 5 x 6", "late", "--scene-variable")


@case
def polygons_that_miss_the_scene(bench: Bench) -> Any:
    far = [shapely.transform(shape, lambda points: points + 9000) for shape in squares(bench.scene)]
    labels = drawn(bench.given / "far.gpkg", far, cover=["a", "b", "a", "b"])
    return train(bench.scene, labels), ("far.gpkg", "no shape lies on", "reference systems")


@case
def an_empty_layer(bench: Bench) -> Any:
    labels = drawn(bench.given / "empty.gpkg", [], cover=[])
    return train(bench.scene, labels), ("empty.gpkg", "'empty' holds no features")


@case
def a_class_attribute_of_nulls_alone(bench: Bench) -> Any:
    nothing = [None] * 4
    labels = drawn(bench.given / "nulls.geojson", squares(bench.scene), crs="EPSG:32632", cover=nothing)
    return train(bench.scene, labels, "--class-attribute", "cover"), (
        "nulls.geojson",
        "'cover' (empty)",
        "4 shapes",
    )


@case
def an_output_folder_in_use(bench: Bench) -> Any:
    (bench.given / "notes.txt").write_text("mine")
    words = ("change", "train", "--data", bench.pairs, "--model", "cva", "--out", bench.given)
    return words, ("is not empty", "--overwrite")


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_one_line_and_leaves_nothing(bench: Bench, tmp_path: Path, name: str) -> None:
    given, empty = tmp_path / "given", tmp_path / "empty"
    given.mkdir()
    empty.mkdir()
    words, parts = CASES[name](Bench(**(vars(bench) | {"given": given})))
    before = files_under(given), files_under(bench.scene.parents[1])
    done = terramamba(*words, cwd=empty)
    assert done.returncode == 1, done.stdout + done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("error: ")
    for part in parts:
        assert part in said[0]
    assert not list(empty.iterdir())
    assert (files_under(given), files_under(bench.scene.parents[1])) == before


def test_shapes_without_a_class_are_counted_and_left_out(bench: Bench, tmp_path: Path) -> None:
    labels = drawn(tmp_path / "some.gpkg", squares(bench.scene), cover=["a", "b", None, "b"])
    done = terramamba(*train(bench.scene, labels), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 of 4 features without a class in 'cover'" in done.stdout + done.stderr
