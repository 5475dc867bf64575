"""What is no data, and values that are not comparable, from the files of a user to the map."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data.settings import NoData
from terramamba.data.synthetic.files import SyntheticScene, make_pairs, make_scene
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

GRID = {"crs": CRS.from_epsg(32633), "transform": Affine(10, 0, 400_000, 0, -10, 5_800_000)}


def rewritten(source: Path, target: Path, change: Callable[[np.ndarray], np.ndarray], dtype: str) -> Path:
    scene = open_scene(source)
    values = change(scene.read()[0].astype(np.float64)).astype(dtype)
    grid = scene.grid if scene.transform is not None else Grid(*scene.grid.window.shape, **GRID)
    write_geotiff(target, values, grid, overwrite=True)
    return target


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("scene"), 5, height=72, width=60, bands=6)


def filled(values: np.ndarray) -> np.ndarray:
    values = values.clip(1, 60_000)
    values[:, :, :3] = 65_535
    return values


def test_a_flag_from_check_to_the_map(scene: SyntheticScene, tmp_path: Path, terramamba: Callable) -> None:
    image = rewritten(scene.scene, tmp_path / "scene.tif", filled, "uint16")
    checked = terramamba("check", image)
    assert "5 % of the pixels hold 65535 in all bands" in checked.out
    assert "--nodata 65535" in checked.out
    known = terramamba("check", image, "--nodata", "65535,0")
    assert "probable fill" not in known.out
    assert "5 % of the pixels have no data" in known.out
    train = ("classify", "train", "--scene", image, "--labels", scene.labels, "--model", "random_forest")
    train = (*train, "--split", "random", "--device", "cpu", "--patch-size", 3)
    careless = terramamba(*train, "--out", tmp_path / "careless")
    assert careless.status == 0, careless.err
    assert f"warning: {image}: 5 % of the pixels hold 65535" in careless.err
    assert any(
        "65535" in note for note in json.loads((tmp_path / "careless" / "metrics.json").read_text())["notes"]
    )
    careful = terramamba(*train, "--nodata", 65535, "--out", tmp_path / "run")
    assert careful.status == 0, careful.err
    assert "hold 65535" not in careful.err
    assert json.loads((tmp_path / "run" / "model.json").read_text())["nodata"] == [65535.0]
    mapped = terramamba("classify", "map", tmp_path / "run", image, "--out", tmp_path / "map.tif")
    assert mapped.status == 0, mapped.err
    assert "no data as in training" in mapped.err
    assert "no data as in training" in mapped.out
    with rasterio.open(tmp_path / "map.tif") as found:
        classes = found.read(1)
    assert (classes[:, :3] == 0).all()
    assert (classes[:, 3:] > 0).all()
    own = terramamba("classify", "evaluate", tmp_path / "run")
    assert own.status == 0, own.err
    there = ("classify", "evaluate", tmp_path / "careless", "--scene", image, "--labels", scene.labels)
    told = terramamba(*there)
    assert "65535 in all bands" in told.out
    refused = terramamba(*there, "--nodata", "-9999")
    assert refused.status == 1
    assert "--nodata -9999" in refused.err
    assert "uint16" in refused.err
    other = terramamba("classify", "map", tmp_path / "run", image, "--out", tmp_path / "o.tif", "--nodata", 7)
    assert "65535 in all bands" in other.err
    assert "as in training" not in other.err


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_no_number_is_refused(value: float) -> None:
    with pytest.raises(InputError, match=r"--nodata -?(nan|inf): give numbers"):
        NoData(nodata=[0.0, value])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Small pairs whose dates are GeoTIFFs of float32."""
    root = make_pairs(tmp_path / "pairs", 5, train=2, val=1, test=1, size=32, scene=(64, 64)).root
    for image in [path for path in root.rglob("*.png") if path.parent.name in "AB"]:
        rewritten(image, image.with_suffix(".tif"), lambda values: values * 10 + 100, "float32")
        image.unlink()
    return root


def later_dates(root: Path) -> list[Path]:
    found = sorted(root.glob("*/B/*.tif"))
    assert len(found) == 4
    return found


def test_pairs_with_other_values_at_the_later_date(pairs: Path, tmp_path: Path, terramamba: Callable) -> None:
    train = ("change", "train", "--data", pairs, "--model", "cva", "--device", "cpu", "--dry-run")
    usual = terramamba(*train, "--out", tmp_path / "run")
    assert usual.status == 0, usual.err
    assert "warning" not in usual.out
    dates = later_dates(pairs)
    assert dates
    for date in dates:
        before = date.parent.with_name("A") / date.name
        rewritten(before, date, lambda values: values * 2.5, "float32")
    said = terramamba(*train, "--out", tmp_path / "run")
    assert said.status == 0, said.err
    (warning,) = (line for line in said.out.splitlines() if line.startswith("warning: "))
    assert "gain between the dates in 4 of 4 pairs" in warning


def test_nodata_of_pairs(pairs: Path, tmp_path: Path, terramamba: Callable) -> None:
    for date in later_dates(pairs):

        def corner(values: np.ndarray) -> np.ndarray:
            values[:, :12] = -9999
            return values

        rewritten(date, date, corner, "float32")
    train = ("change", "train", "--data", pairs, "--model", "cva", "--device", "cpu")
    careless = terramamba(*train, "--out", tmp_path / "careless", "--dry-run")
    assert "warning: probable fill in 4 of 4 pairs" in careless.out
    assert "--nodata -9999" in careless.out
    careful = terramamba(*train, "--nodata", "-9999", "--out", tmp_path / "run")
    assert careful.status == 0, careful.err
    assert "probable fill" not in careful.err
    assert json.loads((tmp_path / "run" / "model.json").read_text())["nodata"] == [-9999.0]
    scored = terramamba("change", "evaluate", tmp_path / "run", "--data", pairs)
    assert scored.status == 0, scored.err
    assert "no data as in training" in scored.out
    after = later_dates(pairs)[0]
    before = after.parent.with_name("A") / after.name
    mapped = terramamba("change", "map", tmp_path / "run", before, after, "--out", tmp_path / "map.tif")
    assert mapped.status == 0, mapped.err
    with rasterio.open(tmp_path / "map.tif") as found:
        changed = found.read(1)
    assert (changed[:12] == 255).all()
    assert (changed[12:] != 255).all()
