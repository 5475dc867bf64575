"""Which three bands of an image are shown as red, green and blue, and what that is called."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from terramamba.raster.notebook_pictures import shown_bands
from terramamba.raster.scene import Scene

WAYS = {
    "natural colour": (660.0, 560.0, 480.0),
    "false colour infrared": (860.0, 660.0, 560.0),
    "shortwave infrared": (2200.0, 860.0, 660.0),
}
"""Wavelengths in nm that are shown as red, green and blue."""

CALLED = {
    "natural colour": ("red", "green", "blue"),
    "false colour infrared": ("nir", "red", "green"),
}
"""The same of bands whose wavelengths are not known, by their names."""

NEAR_NM = 60.0
"""A band farther from what is wanted does not stand for it."""


@dataclass(frozen=True)
class Composite:
    """Three bands, counted from 0, with the name of their picture."""

    title: str
    bands: tuple[int, ...]


def composites(scene: Scene) -> list[Composite]:
    """Choose what is shown of ``scene``: each of ``WAYS`` that it has bands for, else its usual three."""
    if scene.wavelengths is None:
        ways = {title: _named(scene, wanted) for title, wanted in CALLED.items()}
    else:
        ways = {title: _nearest(scene, wanted) for title, wanted in WAYS.items()}
    found = [
        Composite(f"{title}: {bands_in_words(scene, bands)}", bands)
        for title, bands in ways.items()
        if bands is not None
    ]
    usual = tuple(shown_bands(scene.bands, scene.wavelengths))
    return found or [Composite(bands_in_words(scene, usual), usual)]


def band_label(scene: Scene, band: int) -> str:
    """Call a band by its number, from 1, and by its wavelength or its name in the file."""
    number = str(band + 1)
    if scene.wavelengths is not None:
        return f"{number} · {scene.wavelengths[band]:.0f} nm"
    name = scene.band_names[band]
    return number if name.lower() in (f"band {number}", number) else f"{number} · {name[:24]}"


def bands_in_words(scene: Scene, bands: Sequence[int]) -> str:
    """Say which bands are red, green and blue."""
    if len(set(bands)) == 1:
        return f"band {bands[0] + 1}"
    known = scene.wavelengths
    if known is not None:
        return f"{', '.join(f'{known[band]:.0f}' for band in bands)} nm"
    if bands in [_named(scene, wanted) for wanted in CALLED.values()]:
        return ", ".join(scene.band_names[band] for band in bands)
    return f"bands {', '.join(str(band + 1) for band in bands)}"


def _named(scene: Scene, wanted: Sequence[str]) -> tuple[int, ...] | None:
    """The bands with the names that are ``wanted``; None where one is missing or there twice."""
    names = [name.strip().casefold() for name in scene.band_names]
    return tuple(map(names.index, wanted)) if all(names.count(one) == 1 for one in wanted) else None


def _nearest(scene: Scene, wanted: Sequence[float]) -> tuple[int, ...] | None:
    """The good bands nearest to wavelengths; None where one is far from all, or stands for two."""
    assert scene.wavelengths is not None
    good = np.flatnonzero(~np.array(scene.bad_bands))
    known = np.array(scene.wavelengths)[good]
    if not good.size:
        return None
    chosen = [int(np.abs(known - one).argmin()) for one in wanted]
    near = all(abs(known[band] - one) <= NEAR_NM for band, one in zip(chosen, wanted, strict=True))
    return tuple(int(good[band]) for band in chosen) if near and len(set(chosen)) == len(wanted) else None
