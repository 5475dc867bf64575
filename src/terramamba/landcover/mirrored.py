"""Do labels fit their scene better upside down? Then one of the two is stored the other way round.

Pixels of one class look alike, so that labels in their place explain much of the variance of the bands.
Labels that were saved with their rows from the south, or georeferenced so, explain no more of it than labels
that are shifted anywhere would, and several times as much when they are mirrored: of Indian Pines 55 %,
against 15 % as they lie.

c band   n pixels
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int, Int64

from terramamba.core.words import percent
from terramamba.data.labels.labels import Labels
from terramamba.raster.scene import Scene
from terramamba.raster.windows import strips

MOST_PIXELS = 1_000_000
"""Larger scenes are not looked at: pixels all over them would have to be read."""
MOST_BANDS = 8
MOST_LABELS = 2_000
FEWEST_LABELS = 100
LEAST_EXPLAINED = 0.3
"""Part of the variance that mirrored labels must explain."""
TIMES = 2.0
"""They explain so many times what labels as they lie do."""
TIMES_CHANCE = 1.5
"""And so many times what they do shifted, mirrored or not."""
SHIFTS = (0.0, 0.25, 0.5, 0.75)
"""Parts of the scene by which labels are shifted, to see what they explain by chance."""


def better_mirrored(scene: Scene, labels: Labels, bands: Sequence[int]) -> str | None:
    """Say that ``labels`` fit ``bands`` of their scene better when they are mirrored; None where they do not.

    Looks at labels that are pixels of an image: shapes have coordinates of their own. Reads some bands.
    """
    height, width = scene.height, scene.width
    if labels.features is not None or height * width > MOST_PIXELS or len(labels.pixels) < FEWEST_LABELS:
        return None
    chosen = np.linspace(0, len(labels.pixels) - 1, min(len(labels.pixels), MOST_LABELS)).astype(np.int64)
    rows, cols = labels.pixels.rows[chosen], labels.pixels.cols[chosen]
    targets = labels.targets[chosen]
    values = _bands(scene, bands)

    def explained(down: Int64[np.ndarray, " n"], across: Int64[np.ndarray, " n"]) -> float:
        return _explained(values[:, down % height, across % width], targets)

    ways = {
        "upside down": explained(height - 1 - rows, cols),
        "mirrored from left to right": explained(rows, width - 1 - cols),
        "turned by half a circle": explained(height - 1 - rows, width - 1 - cols),
    }
    if height == width:
        ways["with rows and columns exchanged"] = explained(cols, rows)
    way = max(ways, key=lambda name: ways[name])
    best, as_is = ways[way], explained(rows, cols)
    if best < LEAST_EXPLAINED or best < TIMES * as_is:
        return None
    chance = max(
        explained(start + round(down * height), left + round(across * width))
        for start in (rows, height - 1 - rows)
        for left in (cols, width - 1 - cols)
        for down in SHIFTS
        for across in SHIFTS
        if down or across
    )
    if as_is > chance or best < TIMES_CHANCE * chance:
        return None
    return (
        f"the labels fit {scene.path} far better {way} than as they lie ({percent(best)} of the variance of "
        f"its bands against {percent(as_is)}): probably one of the two is stored the other way round; turn "
        "it, or correct its georeference"
    )


def _bands(scene: Scene, bands: Sequence[int]) -> Float32[np.ndarray, "c h w"]:
    """Some of ``bands``, NaN where there are no data."""
    chosen = [bands[i] for i in np.linspace(0, len(bands) - 1, min(len(bands), MOST_BANDS)).astype(int)]
    read = np.empty((len(chosen), scene.height, scene.width), np.float32)
    for window in strips(scene.height, scene.width, max(1, MOST_PIXELS // scene.width)):
        values, valid = scene.read(window, chosen)
        with np.errstate(over="ignore"):
            read[:, window.row : window.bottom] = np.where(valid, values, np.nan)
    return read


def _explained(values: Float32[np.ndarray, "c n"], targets: Int[np.ndarray, " n"]) -> float:
    """Mean part of the variance of the bands that lies between classes; 0 where nothing is known."""
    known = np.isfinite(values).all(axis=0)
    if np.count_nonzero(known) < FEWEST_LABELS:
        return 0.0
    data, of = values[:, known].astype(np.float64), targets[known]
    counts = np.bincount(of)
    total = ((data - data.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    parts = [
        _between(band, of, counts) / all_of_it
        for band, all_of_it in zip(data, total, strict=True)
        if all_of_it
    ]
    return float(np.mean(parts)) if parts else 0.0


def _between(
    band: Float64[np.ndarray, " n"], of: Int[np.ndarray, " n"], counts: Int64[np.ndarray, " k"]
) -> float:
    means = np.bincount(of, band) / np.maximum(counts, 1)
    return float((counts * (means - band.mean()) ** 2).sum())
