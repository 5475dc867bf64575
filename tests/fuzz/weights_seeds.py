"""Weights of somebody else's: a folder with card, file and licence, and the commands that take it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from seed import Seed

from terramamba.weights.registry import CARD, LICENCE, SHIPPED, WEIGHTS

WAVELENGTHS = (450, 550, 650, 850, 1600, 2200)


def weights_seeds(home: Path, terramamba: Callable[..., None]) -> list[Seed]:
    """Fetch weights of both jobs to folders below ``home``."""
    _reflectance(home / "reflectance.tif")
    mapped = {
        "spectral_library": ("classify", "map", "reflectance.tif"),
        "change": ("change", "map", "--what", "anything", "before.tif", "after.tif"),
    }
    damaged = {"spectral_library": (CARD, WEIGHTS, LICENCE), "change": (CARD,)}
    found = []
    for name, words in mapped.items():
        own = f"own_{name}"
        terramamba("weights", "fetch", str(SHIPPED / name), "--out", own)
        commands = (
            ("weights", "show", own),
            ("weights", "verify", own),
            ("weights", "fetch", own, "--out", "new"),
            (*words, "--weights", own, "--out", "out.tif"),
        )
        found += [
            Seed("weights", f"{own}/{file}", commands, (own, "reflectance.tif", "before.tif", "after.tif"))
            for file in damaged[name]
        ]
    return found


def _reflectance(path: Path) -> None:
    values = np.random.default_rng(1).integers(200, 5000, (len(WAVELENGTHS), 12, 10)).astype(np.uint16)
    size = {"count": len(values), "height": 12, "width": 10, "dtype": "uint16"}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(30, 0, 500_000, 0, -30, 5_800_000)}
    with rasterio.open(path, "w", driver="GTiff", **size, **place) as file:
        file.write(values)
        file.descriptions = [f"{wavelength} nm" for wavelength in WAVELENGTHS]
