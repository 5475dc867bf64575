"""Bands that hold codes (classes, bits of quality) among bands of measurements, of which models make numbers.

Told by their names, or by their values: few whole numbers, where most of the other bands have very many.
"""

from collections.abc import Sequence

import numpy as np

from terramamba.core.words import ranges
from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.views.nodata import in_words
from terramamba.raster.views.quality_layers import holds_codes

MOST_CODES, TIMES_MORE = 16, 8
"""So few values make codes where half of the other bands have at least so many times more."""
LEAST_PIXELS = 1_000
SAMPLED_PIXELS, MOST_BANDS = 20_000, 64
"""Pixels whose values are looked at, in scenes of at most so many bands."""
SHOWN = 6


def notes_on_codes(scene: Scene, bands: Sequence[int]) -> tuple[str, ...]:
    """Say which of ``bands`` (0-based), which a model uses, hold codes and no measurements.

    Reads some pixels. Raises ``InputError`` where the file is damaged.
    """
    if len(bands) == 1:
        return _only_codes(scene, bands[0])
    named = [band for band in bands if holds_codes(scene.band_names[band])]
    few = {band: held for band, held in _few_values(scene, bands).items() if band not in named}
    if not 0 < len(named) + len(few) < len(bands):
        return ()
    called = ", ".join(scene.band_names[band] for band in named)
    said = [f"{called}, by name codes of quality"] if named else []
    for band, held in few.items():
        values = in_words(held[:SHOWN]) + ", ..." * (len(held) > SHOWN)
        said.append(f"band {band + 1}, which holds {values} alone, as codes do")
    left_out = (*named, *few)
    others = ranges([band for band in bands if band not in left_out]).replace(" ", "")
    return (
        f"the model uses {' and '.join(said)}, and no measurement; --bands {others} leaves"
        f" {'it' if len(left_out) == 1 else 'them'} out",
    )


def _only_codes(scene: Scene, band: int) -> tuple[str, ...]:
    """Say that the one band which is used holds few whole numbers, as a map of classes does."""
    values, valid = sample_values(scene, (band,), SAMPLED_PIXELS)
    data = values[valid & np.isfinite(values)]
    held = np.unique(data)
    if data.size < LEAST_PIXELS or not 1 < len(held) <= MOST_CODES or (held != np.round(held)).any():
        return ()
    if held[0] not in (0, 1):  # a band of heat or of dark water may have as few
        return ()
    shown = in_words(held[:SHOWN].astype(np.float64).tolist()) + ", ..." * (len(held) > SHOWN)
    return (f"the only band of {scene.path} holds {shown} alone, as maps of classes do: is it the scene?",)


def _few_values(scene: Scene, bands: Sequence[int]) -> dict[int, list[float]]:
    """The bands that hold few whole numbers beside bands of very many, and those numbers."""
    if not 1 < len(bands) <= MOST_BANDS:
        return {}
    values, valid = sample_values(scene, tuple(bands), SAMPLED_PIXELS * len(bands))
    data = values[:, (valid & np.isfinite(values)).all(axis=0)].astype(np.float64)
    if data.shape[1] < LEAST_PIXELS:
        return {}
    held = [np.unique(one) for one in data]
    usual = float(np.median([len(one) for one in held]))
    return {
        band: one.tolist()
        for band, one in zip(bands, held, strict=True)
        if 1 < len(one) <= MOST_CODES and TIMES_MORE * len(one) <= usual and (one == np.round(one)).all()
    }
