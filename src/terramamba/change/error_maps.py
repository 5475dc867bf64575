"""Maps of what a change detector got right and wrong on pairs whose change is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from terramamba.change.scored_pairs import ScoredPairs
from terramamba.data.pairs.label_values import IGNORE
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.windows import Window
from terramamba.scores.thresholds import changed
from terramamba.training.predict import Passing, Rows

UNCHANGED, HIT, MISS, FALSE_ALARM = 0, 1, 2, 3
"""What a pixel of the map is; ``IGNORE`` has no reference or no data."""

NAMES = {UNCHANGED: "unchanged, rightly", HIT: "hit", MISS: "miss", FALSE_ALARM: "false alarm"}
COLOURS = {UNCHANGED: (0, 0, 0), HIT: (255, 255, 255), MISS: (213, 94, 0), FALSE_ALARM: (0, 158, 115)}
"""Orange and green that people who are colour-blind can tell apart (Okabe and Ito, 2008)."""


def error_maps(folder: Path, samples: ScoredPairs, thresholds: Sequence[float]) -> Passing:
    """Return what writes a GeoTIFF of hits, misses and false alarms of each pair while it is scored.

    Files are called after the pairs, ``errors_NAME.tif``, and lie on the grid of the earlier date; each pair
    has its threshold.
    """
    names = _file_names([pair.name for pair in samples.pairs])

    def written(index: int, rows: Rows) -> Rows:
        grid, top = samples.dates(index)[0].grid, 0
        path = folder / names[index]
        with RasterWriter(
            path, grid, bands=1, dtype="uint8", nodata=IGNORE, colours=COLOURS, class_names=NAMES
        ) as file:
            for probability, mask in rows:
                window = Window(top, 0, *mask.shape)
                file.write(errors(probability, mask, thresholds[index])[None], window)
                top = window.bottom
                yield probability, mask

    return written


def errors(
    probability: Float32[np.ndarray, "h w"], mask: UInt8[np.ndarray, "h w"], threshold: float
) -> UInt8[np.ndarray, "h w"]:
    """Return the kind of each pixel: UNCHANGED, HIT, MISS, FALSE_ALARM, or IGNORE.

    >>> probability, mask = np.float32([[0.9, 0.9, 0.1, 0.1, 0.9]]), np.uint8([[1, 0, 1, 0, 255]])
    >>> errors(probability, mask, 0.5)
    array([[  1,   3,   2,   0, 255]], dtype=uint8)
    """
    marked, truth = changed(probability, threshold), mask == 1
    kind = np.select([marked & truth, truth, marked], [HIT, MISS, FALSE_ALARM], UNCHANGED)
    return np.where(mask == IGNORE, IGNORE, kind).astype(np.uint8)


def _file_names(names: Sequence[str]) -> list[str]:
    """A file name for each pair, without signs that a file system may not have; told apart by numbers.

    Names that differ in case alone are one file on some systems.
    """
    plain = ["".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in name) for name in names]
    folded = [name.casefold() for name in plain]
    taken, found = set(folded), []
    for index, name in enumerate(plain):
        if folded.count(folded[index]) > 1:
            name = f"{name}_{index}"
            while name.casefold() in taken:  # another pair may be called so
                name = f"{name}_{index}"
            taken.add(name.casefold())
        found.append(f"errors_{name}.tif")
    return found
