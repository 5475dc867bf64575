"""A job that the package does not know is trained, scored, mapped and reported by its engines as they are."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from abundances import ABUNDANCES, AbundanceSettings
from terramamba import pipeline
from terramamba.cli.shared.scores import show_map, show_scores
from terramamba.core.errors import InputError
from terramamba.mapping.join import join_map
from terramamba.mapping.settings import MapSettings
from terramamba.models import registry
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.report.page import write_report
from terramamba.runs.record import read_runs

GRID = Grid(32, 24, CRS.from_epsg(32633), Affine(10, 0, 300_000, 0, -10, 5_800_000))


@pytest.fixture(scope="module")
def run(tmp_path_factory, seed_of):
    """A scene mixed of three spectra, and a run that learnt how."""
    home, random = tmp_path_factory.mktemp("abundances"), np.random.default_rng(seed_of("abundances"))
    shares = random.dirichlet((0.6, 0.6, 0.6), (32, 24)).astype(np.float32)
    spectra = random.uniform(0, 1, (3, 4)).astype(np.float32)
    noise = random.normal(0, 0.003, (4, 32, 24)).astype(np.float32)
    write_geotiff(home / "scene.tif", np.einsum("hwk,kc->chw", shares, spectra) + noise, GRID)
    write_geotiff(home / "shares.tif", shares.transpose(2, 0, 1).copy(), GRID)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._HOMES, "abundances", {})  # what is registered goes with the fixture
        registry.register_model("abundances", "mixer", "abundances")
        settings = AbundanceSettings(
            out=str(home / "run"),
            scene=str(home / "scene.tif"),
            abundances=str(home / "shares.tif"),
            epochs=60,
            lr=1e-2,
            device="cpu",
        )
        yield home, pipeline.train(ABUNDANCES, settings), settings


def test_it_is_trained_and_scored_as_its_own_run(run):
    home, result, settings = run
    assert result["test"]["rmse"] < 0.1
    assert result["pixels"] == {"train": 200, "validation": 200, "test": 368}
    again = pipeline.evaluate(ABUNDANCES, home / "run", scene=settings.scene, abundances=settings.abundances)
    assert again["test"]["rmse"] == pytest.approx(result["test"]["rmse"], abs=1e-6)
    with pytest.raises(InputError, match="give --resume"):
        pipeline.train(ABUNDANCES, settings)
    assert pipeline.train(ABUNDANCES, replace(settings, resume=True))["test"] == result["test"]


def test_its_scores_are_printed(run, capsys):
    _, result, _ = run
    show_scores(ABUNDANCES, result)
    printed = capsys.readouterr().out
    assert f"off by    {result['test']['rmse']:.4f}\n" in printed
    assert "protocol  drawn\n" in printed


def test_it_is_mapped_in_two_shards_that_are_joined(run, tmp_path, capsys):
    home, _, settings = run
    once, out = tmp_path / "once.tif", tmp_path / "map.tif"
    show_map(pipeline.map(ABUNDANCES, home / "run", [settings.scene], once, MapSettings(device="cpu")))
    assert capsys.readouterr().out == f"written  {once}\n"
    for shard, missing in (("1/2", 3), ("2/2", 0)):
        how = MapSettings(device="cpu", shard=shard)
        part = pipeline.map(ABUNDANCES, home / "run", [settings.scene], out, how)
        assert part.missing_parts == missing
    assert not out.exists()
    assert join_map({"abundances": ABUNDANCES.map_output}, out).missing_parts is None
    with rasterio.open(out) as file, rasterio.open(settings.abundances) as truth:
        found = file.read()
        assert found.shape == (3, 32, 24)
        assert np.sqrt(np.square(found - truth.read()).mean()) < 0.1
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)
    with rasterio.open(once) as file:
        np.testing.assert_array_equal(file.read(), found)


def test_what_does_not_fit_it_is_refused_before_anything_is_written(run, tmp_path):
    home, _, settings = run
    for inputs, out, how, said in (
        ([settings.abundances], "map.tif", {}, "has 3 bands"),
        ([settings.scene], "map.png", {}, "give the file a name that ends in .tif"),
        ([settings.scene], "map.tif", {"calibrated": True}, "--calibrated needs a temperature"),
    ):
        with pytest.raises(InputError, match=said):
            pipeline.map(ABUNDANCES, home / "run", inputs, tmp_path / out, MapSettings(**how))
    assert not any(tmp_path.iterdir())


def test_it_is_reported(run, tmp_path):
    home, result, _ = run
    page = write_report(ABUNDANCES, read_runs([home / "run"]), tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    assert "Abundances · mixer" in text
    assert f"Abundances are off by {result['test']['rmse']:.3f} (RMSE)." in text
    assert (home / "run" / "report.html").is_file()
