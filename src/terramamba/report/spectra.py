"""All bands of an image, thinned out: spectra under the mouse, and pictures of any three bands."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from terramamba.mapping.probability import NO_PROBABILITY
from terramamba.raster.scene import Scene
from terramamba.report.composites import band_label
from terramamba.report.layers import Packed, Shape, as_bytes, packed_spectra, thinned

LOOKED_AT = 128
"""Pixels a side that settle the range of the spectra."""

PERCENTILES = (0.1, 99.9)
"""Values that become the ends of that range; single hot pixels would flatten all other spectra."""


def good_bands(scene: Scene) -> list[int]:
    """List bands, from 0, that the file does not call bad."""
    return [band for band in range(scene.bands) if not scene.bad_bands[band]]


def value_range(scene: Scene) -> tuple[float, float]:
    """Find the values between which nearly all of the image lies."""
    looked_at = (min(LOOKED_AT, scene.height), min(LOOKED_AT, scene.width))
    values, valid = thinned(scene, looked_at, good_bands(scene))
    seen = values[valid].astype(np.float64)
    seen = seen[np.isfinite(seen)]
    if not seen.size:
        return 0.0, 1.0
    low, high = np.percentile(seen, PERCENTILES)
    return float(low), float(high)


def packed_bands(scene: Scene, ends: tuple[float, float], most: int) -> Packed:
    """Pack the bands as bytes between ``ends``; 255 is no data."""
    bands = good_bands(scene)

    def read(shape: Shape) -> UInt8[np.ndarray, "c h w"]:
        values, valid = thinned(scene, shape, bands)
        usable = valid & np.isfinite(values) if values.dtype.kind == "f" else valid
        return np.where(usable, as_bytes(values, *ends), np.uint8(NO_PROBABILITY))

    return packed_spectra(scene, read, most)


def bands_record(scene: Scene, ends: tuple[float, float]) -> dict[str, Any]:
    """Return what the page's script needs of packed bands: numbers, names, wavelengths and ``ends``."""
    bands, known = good_bands(scene), scene.wavelengths
    return {
        "bands": [band + 1 for band in bands],
        "names": [band_label(scene, band) for band in bands],
        "low": ends[0],
        "high": ends[1],
        "wavelengths": None if known is None else [round(known[band], 2) for band in bands],
    }
