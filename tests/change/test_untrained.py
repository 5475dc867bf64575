"""``change map --model``: detectors that need no training map any pair at once."""

import numpy as np
import pytest
import rasterio
from affine import Affine

import terramamba as tm
from terramamba.cli import main
from terramamba.core.errors import InputError

SIDE = 64


@pytest.fixture
def dates(tmp_path):
    """Two georeferenced dates, the later one darker and with a bright new field; 9 marks no data."""
    random = np.random.default_rng(3)
    ground = random.normal(100, 12, size=(3, SIDE, SIDE))
    later = 0.5 * ground + 30 + random.normal(0, 2, size=ground.shape)
    later[:, 20:36, 10:40] = random.normal(180, 10, size=(3, 16, 30))
    paths = [tmp_path / "before.tif", tmp_path / "after.tif"]
    for path, values in zip(paths, (ground, later), strict=True):
        profile = {"driver": "GTiff", "count": 3, "height": SIDE, "width": SIDE, "dtype": "uint8"}
        with rasterio.open(
            path, "w", **profile, crs="EPSG:32633", transform=Affine(10, 0, 4e5, 0, -10, 5e6)
        ) as file:
            file.write(values.clip(10, 255).astype(np.uint8))
    return paths


def changed(path):
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 32633
        return file.read(1)


@pytest.mark.parametrize("model", ["cva", "pca_kmeans", "ir_mad"])
def test_a_pair_is_mapped_without_labels_and_without_a_run(dates, tmp_path, capsys, model):
    out, polygons = tmp_path / "c.tif", tmp_path / "c.geojson"
    words = ["change", "map", *map(str, dates), "--model", model, "--out", str(out)]
    assert main([*words, "--polygons", str(polygons), "--probabilities", str(tmp_path / "p.tif")]) == 0
    assert "changed" in capsys.readouterr().out
    found = changed(out)
    assert (found[22:34, 12:38] == 1).mean() > 0.9
    assert (found[45:] == 1).mean() < 0.1
    assert polygons.is_file()
    inputs = {"before.tif", "after.tif"}
    made = {path.name for path in tmp_path.iterdir()} - inputs
    assert made == {"c.tif", "c.tif.aux.xml", "c.qml", "p.tif", "p.qml", "c.geojson"}


def test_the_same_from_python_and_with_workers(dates, tmp_path):
    detector = tm.untrained_detector(*dates, model="ir_mad")
    array = tm.map_change(detector, *dates, progress=False)
    tm.map_change(detector, *dates, tmp_path / "c.tif", workers=2, progress=False)
    np.testing.assert_array_equal(array.values, changed(tmp_path / "c.tif"))
    assert detector.card.data.protocol == "change-without-training"


def test_what_has_no_data_decides_nothing(dates, tmp_path):
    before, after = dates
    with rasterio.open(after, "r+") as file:
        values = file.read()
        values[:, 50:] = 0
        file.write(values)
    words = ["change", "map", str(before), str(after), "--nodata", "0", "--out", str(tmp_path / "c.tif")]
    assert main([*words, "--model", "ir_mad"]) == 0
    found = changed(tmp_path / "c.tif")
    assert (found[50:] == 255).all()
    assert (found[22:34, 12:38] == 1).mean() > 0.9


def test_options_of_the_detector_and_the_threshold_are_obeyed(dates, tmp_path):
    words = ["change", "map", *map(str, dates), "--model", "pca_kmeans"]
    assert main([*words, "--out", str(tmp_path / "a.tif")]) == 0
    assert main([*words, "--set", "block=9", "--out", str(tmp_path / "b.tif")]) == 0
    assert main([*words, "--threshold", "0.999", "--out", str(tmp_path / "c.tif")]) == 0
    maps = [changed(tmp_path / f"{name}.tif") for name in "abc"]
    assert (maps[0] != maps[1]).any()
    assert (maps[2] == 1).sum() < (maps[0] == 1).sum()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--model", "glmamba"],
            "--model glmamba: cannot map without training; give one of cva, pca_kmeans, ir_mad",
        ),
        (["--model", "nothing"], "--model nothing: cannot map without training"),
        (["--model", "ir_mad", "--set", "block=3"], "ir_mad has no option 'block'"),
        (["--set", "block=3"], "--set: is for --model"),
        ([], "no run folder among"),
        (["--model", "cva", "--calibrated"], "--calibrated: cva maps without training"),
        (["--model", "ir_mad", "--reject", "0.1"], "--reject: ir_mad maps without training"),
    ],
)
def test_what_cannot_map_is_refused(dates, tmp_path, capsys, words, said):
    out = tmp_path / "c.tif"
    assert main(["change", "map", *map(str, dates), "--out", str(out), *words]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_dates_of_other_bands_make_no_pair(dates, tmp_path):
    with rasterio.open(dates[1]) as file:
        profile, values = file.profile, file.read([1, 2])
    with rasterio.open(tmp_path / "two.tif", "w", **{**profile, "count": 2}) as file:
        file.write(values)
    with pytest.raises(InputError, match="band"):
        tm.untrained_detector(dates[0], tmp_path / "two.tif")
