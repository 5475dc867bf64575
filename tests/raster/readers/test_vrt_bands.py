"""Bands of virtual rasters, which have no names of their own, are called by the files that they show."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio

from terramamba.raster.band_identity import WantedBands, known_names
from terramamba.raster.band_matching import match_bands
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

Make = Callable[..., Path]
LANDSAT = "LC08_L2SP_193024_20200801_20200915_02_T1_SR_B{}.TIF"


def separate(geotiff: Make, folder: Path, files: Sequence[str], *, twice: bool = False) -> Scene:
    """A virtual raster as ``gdalbuildvrt -separate`` writes it: a band a file, without names."""
    bands = ""
    for i, name in enumerate(files):
        geotiff(folder / name, np.full((1, 4, 5), i + 1, np.uint16))
        source = (
            f'<ComplexSource><SourceFilename relativeToVRT="1">{name.replace("&", "&amp;")}</SourceFilename>'
            "<SourceBand>1</SourceBand></ComplexSource>"
        )
        bands += f'<VRTRasterBand dataType="UInt16" band="{i + 1}">{source * (1 + twice)}</VRTRasterBand>'
    path = folder / "all.vrt"
    path.write_text(f'<VRTDataset rasterXSize="5" rasterYSize="4">{bands}</VRTDataset>', encoding="utf-8")
    return open_scene(path)


def test_bands_of_a_satellite_have_their_names_and_wavelengths(geotiff: Make, tmp_path: Path) -> None:
    scene = separate(geotiff, tmp_path, [LANDSAT.format(i) for i in (5, 2, 4)])
    assert scene.band_names == ("B5", "B2", "B4")
    assert scene.wavelengths == (865.0, 482.0, 654.5)
    assert any("B5 to B4 of Landsat 8/9" in note for note in scene.notes)
    wanted = WantedBands("the run has", 2, (0, 1), ("B4", "B5"), (654.5, 865.0))
    assert [int(band.max()) for band in match_bands(scene, wanted).read()[0]] == [3, 1]


@pytest.mark.parametrize("files", [("red & blue.tif", "nir.tif"), ("a_red.tif", "a_nir.tif")])
def test_bands_of_other_files_are_called_by_these(
    geotiff: Make, tmp_path: Path, files: tuple[str, ...]
) -> None:
    scene = separate(geotiff, tmp_path, files)
    assert scene.band_names == tuple(Path(file).stem for file in files)
    assert scene.wavelengths is None
    assert known_names(scene) is not None


def test_bands_of_two_scenes_and_files_that_count_have_no_names_in_common(
    geotiff: Make, tmp_path: Path
) -> None:
    other = LANDSAT.replace("20200801", "20210801")
    scene = separate(geotiff, tmp_path, [LANDSAT.format(4), other.format(4)])
    assert scene.wavelengths is None
    assert known_names(scene) == (LANDSAT.format(4)[:-4], other.format(4)[:-4])
    assert known_names(separate(geotiff, tmp_path, ["1.tif", "2.tif"])) is None


def test_a_mosaic_has_the_names_of_its_parts(geotiff: Make, tmp_path: Path) -> None:
    source = geotiff(tmp_path / "part.tif", np.ones((2, 4, 5), np.uint16))
    with rasterio.open(source, "r+") as image:
        image.descriptions = ("650 nm", "850 nm")
    band = (
        '<VRTRasterBand dataType="UInt16" band="{0}"><SimpleSource><SourceFilename relativeToVRT="1">part.tif'
        "</SourceFilename><SourceBand>{1}</SourceBand></SimpleSource></VRTRasterBand>"
    )
    path = tmp_path / "turned.vrt"
    text = f"{band.format(1, 2)}{band.format(2, 1)}"
    path.write_text(f'<VRTDataset rasterXSize="5" rasterYSize="4">{text}</VRTDataset>', encoding="utf-8")
    assert open_scene(path).band_names == ("850 nm", "650 nm")
    assert open_scene(path).wavelengths == (850.0, 650.0)
    damaged = separate(geotiff, tmp_path, ["x.tif", "y.tif"], twice=True)
    assert damaged.band_names == ("x", "y")
