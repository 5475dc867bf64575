"""Does a scene hold values in the units that a model learnt? Reflectance comes as 0 to 1, 0 to 10,000, ..."""

import numpy as np

from terramamba.raster.sample_statistics import glance
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run

GLANCE_VALUES = 500_000
TIMES = 30.0
"""Scenes of one sensor differ by a few times, units by 100, 255 or 10,000."""


def unlike_training(run: Run, scene: Scene) -> str | None:
    """Words about a scene whose values are far larger or smaller than those the model was trained on.

    None where they are not, where the bands are others (mapping refuses them), or where nothing has data.
    """
    scaling = run.scaling
    if run.card.data.source_bands != scene.bands:
        return None
    values, valid = glance(scene, scaling.bands, GLANCE_VALUES)
    factor = np.array(scaling.factor)
    known = valid & np.isfinite(values)
    used = (factor > 0) & known.any(axis=1)
    if not used.any():
        return None
    spread = 1 / factor[used]
    mean = np.array(scaling.offset)[used] + np.array(scaling.fill)[used] * spread
    seen = [band[data].astype(np.float64) for band, data in zip(values[used], known[used], strict=True)]
    learnt = np.maximum(np.abs(mean), spread)
    found = np.array([max(abs(band.mean()), band.std()) for band in seen])
    times = float(np.median(found / learnt))
    if 1 / TIMES < times < TIMES:
        return None
    if times == 0:
        return f"{scene.path}: its values are 0, those that the model was trained on are not"
    size = f"{times:,.0f} times larger" if times > 1 else f"{1 / times:,.0f} times smaller"
    return (
        f"{scene.path}: its values are about {size} than those that the model was trained on; "
        "give it in the same units"
    )
