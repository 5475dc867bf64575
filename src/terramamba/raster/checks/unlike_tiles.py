"""Are the tiles of a mosaic in one unit? Reflectance comes as 0 to 1 and 0 to 10,000, even side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.checks.fill_values import Part, probable_fill
from terramamba.raster.checks.tile_seams import Tile, jumps_at_seams
from terramamba.raster.readers.mosaic import MosaicSource
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.band_subset import BandSubsetSource
from terramamba.raster.views.nodata import FilledSource
from terramamba.raster.views.physical import PhysicalSource
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
    tiles = _tiles_of(scene.source)
    if scene.bands == 1 or len(tiles) < 2:
        return ()
    bands = _spread(scene.bands, MOST_BANDS)
    known = list[Tile]()
    bright = dict[str, float]()
    for path, source, own in (tiles[i] for i in _spread(len(tiles), MOST_TILES)):
        sample = _sample(source, own, bands)
        fill = tuple(one.value for one in probable_fill([sample]))
        filled = FilledSource(source, fill)  # what is not declared is no bright value, and jumps nowhere
        known.append((path, filled, own))
        value = _bright(*(_sample(filled, own, bands) if fill else sample))
        if value is not None:
            bright[path] = value
    if len(bright) < 2:
        return ()
    usual = sorted(bright.values())[(len(bright) - 1) // 2]
    far = {path: value / usual for path, value in bright.items() if not 1 / TIMES < value / usual < TIMES}
    if not far:
        jump = jumps_at_seams(known, bands)
        return () if jump is None else (jump,)
    path, times = next(iter(far.items()))
    other = next(one for one in bright if one not in far)
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


def _tiles_of(source: Source | Any) -> list[Tile]:
    """The tiles of a mosaic, each in the view that there is of all: bands, units and values of no data.

    None of them where it is no mosaic. Masks are left aside.
    """
    if isinstance(source, MosaicSource):
        return [(path, *tile) for path, tile in zip(source.paths, source.tiles, strict=True)]
    inner = getattr(source, "source", None)
    tiles = [] if inner is None else _tiles_of(inner)
    if isinstance(source, BandSubsetSource | PhysicalSource | FilledSource):
        tiles = [(path, replace(source, source=one), own) for path, one, own in tiles]
    return tiles


def _sample(source: Source, own: Window, bands: Sequence[int]) -> Part:
    return source.read(Window.whole(*own.shape), bands, (min(SIDE, own.height), min(SIDE, own.width)))


def _bright(values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"]) -> float | None:
    """The brightest band's bright value; None where nothing is above 0."""
    known = valid & (values > 0)
    bright = [
        float(np.percentile(one[there], BRIGHT))
        for one, there in zip(values, known, strict=True)
        if there.any()
    ]
    return max(bright, default=None)
