"""Small files that the tests of this folder make."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import rasterio
from affine import Affine


class MakeGeoTIFF(Protocol):
    def __call__(self, path: Path, values: np.ndarray, **profile: object) -> Path: ...


@pytest.fixture
def geotiff() -> MakeGeoTIFF:
    """Writes ``values`` (c, h, w) as a GeoTIFF: UTM zone 33 north, pixels of 30 m unless told otherwise."""

    def make(path: Path, values: np.ndarray, **profile: object) -> Path:
        bands, height, width = values.shape
        place = {"crs": rasterio.CRS.from_epsg(32633), "transform": Affine(30, 0, 500_000, 0, -30, 5_800_000)}
        known = {"driver": "GTiff", "dtype": values.dtype} | place | profile
        with rasterio.open(path, "w", count=bands, height=height, width=width, **known) as file:
            file.write(values)
        return path

    return make
