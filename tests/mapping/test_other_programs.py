"""Maps as other programs find them: GDAL and rio-cogeo complain of nothing, EnMAP-Box has its classes."""

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from affine import Affine
from job_cases import Jobs
from rasterio.crs import CRS

from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff


@pytest.fixture(scope="module")
def maps(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Rasters of both jobs, and probabilities that are large enough for overviews."""
    large = tmp_path_factory.mktemp("large") / "probabilities.tif"
    values = np.random.default_rng(0).integers(0, 255, (3, 300, 520)).astype(np.uint8)
    grid = Grid(300, 520, CRS.from_epsg(32632), Affine(20, 0, 500_000, 0, -20, 5_000_000))
    write_geotiff(large, values, grid, nodata=255, scale=1 / 254, band_names=["a", "b", "c"])
    return [large, *(path for job in (jobs.classify, jobs.change) for path in jobs.whole(job).rglob("*.tif"))]


def test_rio_cogeo_finds_nothing(maps: list[Path]) -> None:
    cogeo = pytest.importorskip(
        "rio_cogeo.cogeo", reason="rio-cogeo is not installed: maps are not validated"
    )
    assert len(maps) == 5
    for path in maps:
        assert cogeo.cog_validate(path, strict=True, quiet=True) == (True, [], []), path


@pytest.mark.parametrize("words", [("gdalinfo", "-checksum"), ("gdal_translate", "-q", "-of", "COG")])
def test_the_tools_of_gdal_say_nothing(maps: list[Path], tmp_path: Path, words: tuple[str, ...]) -> None:
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed: maps are not given to it")
    for number, path in enumerate(maps):
        out = () if words[0] == "gdalinfo" else (str(tmp_path / f"{number}.tif"),)
        ended = subprocess.run([*words, str(path), *out], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), path


def test_a_geopackage_is_one_that_older_programs_know(jobs: Jobs) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed: polygons are not given to it")
    path = jobs.whole(jobs.change) / "near" / "c.gpkg"
    ended = subprocess.run(["ogrinfo", "-so", "-al", str(path)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    # Version 1.2 of the format, which it says as ten thousands and hundreds.
    assert path.read_bytes()[60:64] == (10_200).to_bytes(4, "big")


def test_probabilities_of_three_classes_are_no_picture(maps: list[Path]) -> None:
    with rasterio.open(maps[0]) as file:
        assert [band.name for band in file.colorinterp] == ["gray", "undefined", "undefined"]


def test_enmap_box_finds_the_classes_of_a_map(jobs: Jobs) -> None:
    # It takes the classes of the renderer that QGIS makes of the style, but for those without a label, and by
    # GDAL the category names and the colour table (public code: categoriesFromPalettedRasterRenderer).
    path = jobs.whole(jobs.classify) / "map.tif"
    root = ElementTree.parse(path.with_suffix(".qml")).getroot()
    renderer = root.find("pipe/rasterrenderer")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    shown = {
        int(entry.get("value", "")): (entry.get("label"), entry.get("color"))
        for entry in renderer.iterfind("colorPalette/paletteEntry")
    }
    with rasterio.open(path) as file:
        tags, table = file.tags(1), file.colormap(1)
        assert set(np.unique(file.read(1))) - {0} <= shown.keys()
    assert shown == {
        value: (tags[f"CLASS_{value}"], "#" + "".join(f"{part:02x}" for part in table[value][:3]))
        for value in shown
    }
    categories = ElementTree.parse(f"{path}.aux.xml").getroot().find("PAMRasterBand[@band='1']/CategoryNames")
    assert categories is not None
    named = [entry.text for entry in categories]
    assert {value: named[value] for value in shown} == {value: label for value, (label, _) in shown.items()}
