"""Are the tiles of a mosaic in one unit? Reflectance comes as 0 to 1 and 0 to 10,000, even side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from terramamba.raster.checks.tile_seams import jumps_at_seams
from terramamba.raster.readers.mosaic import MosaicSource
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.nodata import BEYOND_DATA
from terramamba.raster.windows import Window

TIMES = 60.0
"""Bright values of one sensor, of water or of snow, differ by less; units do by 100, 255 or 10,000."""
BRIGHT = 95.0
"""Percentile of the values of a band above 0 that is called bright."""
MOST_TILES, MOST_BANDS, SIDE = 64, 16, 24
"""Tiles and bands that are looked at, spread over all, and the side of a thinned-out tile in pixels."""


def unlike_tiles(scene: Scene) -> tuple[str, ...]:
    """Name the tiles of a mosaic whose values are far larger or smaller than those of most others, else tiles
    between which values jump.

    Reads some pixels of up to 64 tiles; nothing of other scenes, or of those of one band, which may be codes.
    """
    mosaic = _mosaic_of(scene.source)
    if mosaic is None or scene.bands == 1:
        return ()
    bands = _spread(scene.bands, MOST_BANDS)
    chosen = _spread(len(mosaic.tiles), MOST_TILES)
    bright = {mosaic.paths[i]: _bright(*mosaic.tiles[i], bands) for i in chosen}
    known = {path: value for path, value in bright.items() if value is not None}
    if len(known) < 2:
        return ()
    usual = sorted(known.values())[(len(known) - 1) // 2]
    far = {path: value / usual for path, value in known.items() if not 1 / TIMES < value / usual < TIMES}
    if not far:
        jump = jumps_at_seams([(mosaic.paths[i], *mosaic.tiles[i]) for i in chosen], bands)
        return () if jump is None else (jump,)
    path, times = next(iter(far.items()))
    other = next(one for one in known if one not in far)
    more = f" ({len(far)} tiles differ so)" if len(far) > 1 else ""
    size = f"{times:,.0f} times larger" if times > 1 else f"{1 / times:,.0f} times smaller"
    return (
        f"{path}: bright values are about {size} than those of {other}{more}: probably other units; give"
        " tiles in one unit",
    )


def _spread(number: int, most: int) -> list[int]:
    """At most so many of a number of things, spread over all."""
    found: list[int] = np.unique(np.linspace(0, number - 1, most).round().astype(int)).tolist()
    return found


def _mosaic_of(source: Source | Any) -> MosaicSource | None:
    """The tiles behind views of a mosaic; None where there are none."""
    while source is not None and not isinstance(source, MosaicSource):
        source = getattr(source, "source", None)
    return source


def _bright(source: Source, window: Window, bands: Sequence[int]) -> float | None:
    """The brightest band's bright value; None where nothing is above 0."""
    whole, shape = Window.whole(*window.shape), (min(SIDE, window.height), min(SIDE, window.width))
    values, valid = source.read(whole, bands, shape)
    known = valid & (values > 0) & (values < BEYOND_DATA)  # fill that is not declared is no bright value
    bright = [float(np.percentile(values[i][known[i]], BRIGHT)) for i in range(len(bands)) if known[i].any()]
    return max(bright, default=None)
