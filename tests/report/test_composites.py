"""Bands are found for a picture by wavelength, and called so that people know what they see."""

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Shaped

from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.report.composites import band_label, composites


def written(path: Path, names: list[str] | None, bands: int) -> Path:
    values: Shaped[np.ndarray, "c h w"] = np.ones((bands, 2, 3), np.int16)
    write_geotiff(path, values, Grid(2, 3), band_names=names)
    return path


@pytest.mark.parametrize(
    ("wavelengths", "titles"),
    [
        (
            [480, 560, 660, 860],
            ["natural colour: 660, 560, 480 nm", "false colour infrared: 860, 660, 560 nm"],
        ),
        ([660, 860, 2190], ["shortwave infrared: 2190, 860, 660 nm"]),
        ([1000, 1200, 1500], ["band 1"]),
        ([], ["bands 1, 2, 3"]),
    ],
)
def test_pictures_are_those_that_the_wavelengths_allow(
    tmp_path: Path, wavelengths: list[int], titles: list[str]
) -> None:
    names = [f"{one}.0 nm" for one in wavelengths] or None
    scene = open_scene(written(tmp_path / "scene.tif", names, len(wavelengths) or 4))
    assert [one.title for one in composites(scene)] == titles
    assert band_label(scene, 1) == (f"2 · {wavelengths[1]} nm" if wavelengths else "2")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (
            ["Blue", "Green", "Red", "NIR"],
            {
                "natural colour: Red, Green, Blue": (2, 1, 0),
                "false colour infrared: NIR, Red, Green": (3, 2, 1),
            },
        ),
        (["SWIR 1", "NIR", "red", "green"], {"false colour infrared: NIR, red, green": (1, 2, 3)}),
        (["blue", "green", "green", "x"], {"bands 1, 2, 3": (0, 1, 2)}),
        (["B1", "B2", "B3"], {"bands 1, 2, 3": (0, 1, 2)}),
    ],
)
def test_without_wavelengths_the_names_of_bands_say_what_is_red(
    tmp_path: Path, names: list[str], shown: dict[str, tuple[int, ...]]
) -> None:
    scene = open_scene(written(tmp_path / "scene.tif", names, len(names)))
    assert {one.title: one.bands for one in composites(scene)} == shown
