"""`--mask` of the classify commands: exit code, message, and what was left out."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from programs import terramamba
from terramamba.data.synthetic.files import SyntheticScene, make_scene
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

FEW = ("--train-fraction", "20", "--val-fraction", "20")


@pytest.fixture
def made(tmp_path: Path, seed: int) -> SyntheticScene:
    return make_scene(tmp_path / "scene", seed % 1000, height=96, width=96, bands=8)


def clouds(made: SyntheticScene, path: Path, rows: slice | np.ndarray) -> Path:
    grid = open_scene(made.scene).grid
    values = np.zeros((1, grid.height, grid.width), np.uint8)
    values[:, rows] = 200
    write_geotiff(path, values, grid)
    return path


def test_masked_pixels_are_no_samples(made: SyntheticScene, tmp_path: Path) -> None:
    one, two = (
        clouds(made, tmp_path / "one.tif", slice(0, 96, 8)),
        clouds(made, tmp_path / "two.tif", slice(3, 96, 8)),
    )
    scene = ("--scene", made.scene, "--labels", made.labels)
    train = ("classify", "train", *scene, "--model", "svm", "--split", "random", "--patch-size", "3", *FEW)
    done = terramamba(*train, "--out", tmp_path / "run", "--mask", f"{one},{two}")
    assert done.returncode == 0, done.stderr
    labelled = open_scene(made.labels).read()[0][0] > 0
    hidden = labelled[::8].sum() + labelled[3::8].sum()
    note = f"{hidden:,} of {labelled.sum():,} labelled pixels are masked and left out"
    assert note in done.stdout
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert sum(map(sum, metrics["counts"].values())) == labelled.sum() - hidden
    own = terramamba("classify", "evaluate", tmp_path / "run")
    assert own.returncode == 0, own.stderr
    other = terramamba("classify", "evaluate", tmp_path / "run", *scene, "--mask", one)
    assert other.returncode == 0, other.stderr
    assert f"{labelled[::8].sum():,} of {labelled.sum():,} labelled pixels are masked" in other.stdout
    most = clouds(made, tmp_path / "most.tif", np.arange(96) % 8 < 5)
    few = (*train, "--out", tmp_path / "few", "--dry-run")
    explained = ("explain", tmp_path / "run", made.scene, "--out", tmp_path / "why", "--repeats", "1")
    for command in (("classify", "evaluate", tmp_path / "run", *scene), few, explained):
        done = terramamba(*command, "--mask", most)
        assert done.returncode == 0, done.stderr
        said = " ".join((done.stdout + done.stderr).split())
        assert "masks leave out 62.5 % of the pixels of" in said, said
    assert "masks leave out" not in other.stdout


def test_polygons_are_masks_of_every_command(made: SyntheticScene, tmp_path: Path) -> None:
    grid = open_scene(made.scene).grid
    assert grid.transform is not None
    corner, end = grid.transform @ (0, 0), grid.transform @ (96, 40)
    frame = geopandas.GeoDataFrame(geometry=[shapely.box(*corner, *end)], crs=grid.crs)
    lake = tmp_path / "lake.fgb"
    frame.to_crs(3857).to_file(lake)
    labelled = open_scene(made.labels).read()[0][0] > 0
    note = f"{labelled[:40].sum():,} of {labelled.sum():,} labelled pixels are masked"
    scene, run = ("--scene", made.scene, "--labels", made.labels), tmp_path / "run"
    train = ("classify", "train", *scene, "--model", "svm", "--split", "random", "--patch-size", "3", *FEW)
    mask = ("--mask", lake)
    for command in ((*train, "--out", run), ("classify", "evaluate", run, *scene)):
        done = terramamba(*command, *mask)
        assert done.returncode == 0, done.stderr
        assert note in done.stdout
    done = terramamba("check", made.scene, *mask)
    assert f"{40 / 96:.2%}"[:4] in done.stdout, done.stdout
    done = terramamba("classify", "map", run, made.scene, "--out", tmp_path / "map.tif", *mask)
    assert done.returncode == 0, done.stderr
    land = open_scene(tmp_path / "map.tif").read()[0][0]
    assert not land[:40].any()
    assert land[40:].all()


def test_masks_that_leave_nothing(made: SyntheticScene, tmp_path: Path) -> None:
    whole = clouds(made, tmp_path / "whole.tif", slice(0, 96))
    train = ("classify", "train", "--scene", made.scene, "--labels", made.labels, "--out", tmp_path / "run")
    done = terramamba(*train, "--model", "svm", "--mask", whole)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "its masks leave no labelled pixel of" in done.stderr
    assert not (tmp_path / "run").exists()
