"""Is a picture grey? Radar and panchromatic images come as three bands that are all alike."""

import numpy as np

from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run

SAMPLED_VALUES = 300_000
COLOURS = 3


def grey_notes(run: Run, *dates: Scene) -> list[str]:
    """Say that a date has no colour, where the model has learnt from three bands that differ.

    Of any other model nothing is said: whether its training images had colours is not known.
    """
    if run.card.data.scale_by != "pair" or len(run.scaling.bands) != COLOURS:
        return []
    return [
        f"{date.path}: its three bands are all alike, as in radar or a grey picture; the model knows"
        " colours, and what it marks, or does not, means little: --model cva takes one band of it (--bands 1)"
        for date in dates
        if _is_grey(date, run.scaling.bands)
    ]


def _is_grey(date: Scene, bands: tuple[int, ...]) -> bool:
    values, valid = sample_values(date, bands, SAMPLED_VALUES)
    known = values[:, valid.all(axis=0)]
    return known.shape[1] > 0 and bool((known == known[:1]).all()) and bool(np.ptp(known) > 0)
