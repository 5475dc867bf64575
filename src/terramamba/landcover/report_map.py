"""What the page shows of a land-cover map: classes, how sure they are, the scene, its spectra."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from terramamba.mapping.probability import NO_PROBABILITY
from terramamba.raster.scene import Scene
from terramamba.report.layers import (
    Shape,
    as_bytes,
    one_band,
    packed_layer,
    packed_picture,
    packed_spectra,
    require_probabilities,
    thinned,
)

NO_CLASS = 255
LOOKED_AT = 128
"""Pixels a side that settle the range of the spectra."""

PERCENTILES = (0.1, 99.9)
"""Values that become the ends of that range; single hot pixels would flatten all other spectra."""


def land_cover_layers(land: Scene, beside: Mapping[str, Scene], codes: Sequence[int]) -> dict[str, Any]:
    """Return the class of each pixel as its index in ``codes``, and what ``beside`` brings.

    ``beside`` may hold ``probabilities`` (the highest of each pixel is shown) and ``scene``.
    """
    place = np.full(np.iinfo(np.uint16).max + 1, NO_CLASS, np.uint8)
    place[list(codes)] = np.arange(len(codes))
    layers: dict[str, Any] = {
        "over": False,
        "likely": "probability",
        "values": packed_layer(land, lambda shape: place[one_band(land, shape).astype(np.int64)]),
    }
    if (likely := beside.get("probabilities")) is not None:
        require_probabilities(likely, len(codes), "classify map")
        layers["probability"] = packed_layer(likely, lambda shape: _highest(likely, shape))
    if (scene := beside.get("scene")) is not None:
        layers |= {"left": packed_picture(scene), "spectra": _spectra(scene)}
    return layers


def _highest(likely: Scene, shape: Shape) -> UInt8[np.ndarray, "h w"]:
    values = thinned(likely, shape)[0]
    return np.where(values[0] == NO_PROBABILITY, np.uint8(NO_PROBABILITY), values.max(axis=0))


def _spectra(scene: Scene) -> dict[str, Any]:
    """The spectra as bytes between ``low`` and ``high``; 255 is no data."""
    bands = [band for band in range(scene.bands) if not scene.bad_bands[band]]
    looked_at = (min(LOOKED_AT, scene.height), min(LOOKED_AT, scene.width))
    values, valid = thinned(scene, looked_at, bands)
    seen = values[valid].astype(np.float64)
    seen = seen[np.isfinite(seen)]
    low, high = (float(v) for v in np.percentile(seen, PERCENTILES)) if seen.size else (0.0, 1.0)

    def read(shape: Shape) -> UInt8[np.ndarray, "c h w"]:
        values, valid = thinned(scene, shape, bands)
        usable = valid & np.isfinite(values) if values.dtype.kind == "f" else valid
        return np.where(usable, as_bytes(values, low, high), np.uint8(NO_PROBABILITY))

    known = scene.wavelengths
    return {
        **vars(packed_spectra(scene, read)),
        "bands": [band + 1 for band in bands],
        "low": low,
        "high": high,
        "wavelengths": None if known is None else [round(known[band], 2) for band in bands],
    }
