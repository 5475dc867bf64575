"""Some bands of a scene, in any order, as a scene of its own; a band that is missing has no data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.words import ranges
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window


@dataclass(frozen=True)
class BandSubsetSource:
    """The ``bands`` (0-based) of ``source`` in this order; None stands for a band that is not there."""

    source: Source
    bands: tuple[int | None, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        wanted = [self.bands[band] for band in bands]
        there = [band for band in wanted if band is not None]
        values, valid = self.source.read(window, there, shape)
        if len(there) == len(wanted):
            return values, valid
        filled = np.zeros((len(wanted), *shape), values.dtype), np.zeros((len(wanted), *shape), bool)
        present = [i for i, band in enumerate(wanted) if band is not None]
        filled[0][present], filled[1][present] = values, valid
        return filled


def band_subset(
    scene: Scene,
    bands: Sequence[int | None],
    *,
    names: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    note: str | None = None,
) -> Scene:
    """Return ``bands`` (0-based) of ``scene`` as a scene, in this order; reads no pixels.

    Args:
        scene: The scene that has them.
        bands: None stands for one that ``scene`` lacks: it has no data.
        names: What they are called; None: as in ``scene``.
        wavelengths: Their centres in nm; None: those of ``scene``, where none is missing.
        note: Is added to the scene's.
    """
    chosen = tuple(bands)
    there = [band for band in chosen if band is not None]
    whole = len(there) == len(chosen)
    if wavelengths is None and scene.wavelengths is not None and whole:
        wavelengths = [scene.wavelengths[band] for band in there]
    own = [f"band {i + 1}" if band is None else scene.band_names[band] for i, band in enumerate(chosen)]
    return replace(
        scene,
        bands=len(chosen),
        source=BandSubsetSource(scene.source, chosen),
        band_names=tuple(own if names is None else names),
        wavelengths=None if wavelengths is None else tuple(wavelengths),
        fwhm=None if scene.fwhm is None or not whole else tuple(scene.fwhm[band] for band in there),
        bad_bands=tuple(band is not None and scene.bad_bands[band] for band in chosen),
        declared=None if scene.declared is None else scene.declared.of_bands(chosen),
        alpha=None,
        notes=scene.notes if note is None else (*scene.notes, note),
    )


def without_unrecorded(scene: Scene) -> Scene:
    """Return ``scene`` without bands whose wavelength is 0: so those are listed that were not recorded."""
    if scene.wavelengths is None or all(scene.wavelengths):
        return scene
    kept = [band for band, length in enumerate(scene.wavelengths) if length]
    gone = [band for band, length in enumerate(scene.wavelengths) if not length]
    note = f"bands without a wavelength (0) are left out, and --bands does not count them: {ranges(gone)}"
    return band_subset(scene, kept, note=note)
