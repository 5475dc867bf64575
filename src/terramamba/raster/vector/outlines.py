"""Outlines of the areas of a raster, as arrays: traced from a file, grouped, and filled again.

m corners   r rings   p pieces (an outer ring and its holes)   n areas (pieces that touch)   e edges
"""

from array import array
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import rasterio
import rasterio.features
import shapely
from affine import Affine
from jaxtyping import Bool, Float64, Int, Int64, Shaped

from terramamba.raster.vector.pieces import united
from terramamba.raster.windows import Window


@dataclass(frozen=True, eq=False)
class Outlines:
    """Closed rings of corners on the pixel grid: ring i is ``corners[ring_ends[i]:ring_ends[i + 1]]``.

    In the same way ``piece_ends`` parts the rings, the outer ring of each piece first, and ``area_ends`` the
    pieces.
    """

    corners: Int64[np.ndarray, "m 2"]
    """Column and row."""
    ring_ends: Int64[np.ndarray, " r1"]
    piece_ends: Int64[np.ndarray, " p1"]
    area_ends: Int64[np.ndarray, " n1"]
    values: Int64[np.ndarray, " n"]
    """The raster's, of each area."""

    def __len__(self) -> int:
        return len(self.area_ends) - 1

    def multipolygons(self) -> Shaped[np.ndarray, " n"]:
        """Make one shape for each area, in columns and rows."""
        return shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON,
            self.corners.astype(np.float64),
            (self.ring_ends, self.piece_ends, self.area_ends),
        )

    def take(self, chosen: Int[np.ndarray, " k"]) -> "Outlines":
        """Return the areas with the numbers ``chosen``, in that order."""
        pieces = _members(self.area_ends, chosen)
        rings = _members(self.piece_ends, pieces)
        return Outlines(
            self.corners[_members(self.ring_ends, rings)],
            _ends(np.diff(self.ring_ends)[rings]),
            _ends(np.diff(self.piece_ends)[pieces]),
            _ends(np.diff(self.area_ends)[chosen]),
            self.values[chosen],
        )

    def with_shared_corners(self) -> "Outlines":
        """Return the same outlines with a corner wherever another has one on their straight edges.

        Where three areas meet, the outline of one may go straight on; with that corner outlines that have an
        edge in common have the same corners along it.
        """
        width = int(self.corners.max(initial=0)) + 1
        begin, step = self.corners[:-1], np.diff(self.corners, axis=0)
        # Between the last corner of a ring and the first of the next there is no edge.
        step[self.ring_ends[1:-1] - 1] = 0
        length = np.abs(step).sum(axis=1)
        order = np.arange(len(self.corners), dtype=np.float64)
        places, points = [order], [self.corners]
        for along in (0, 1):
            known = np.unique(self.corners[:, 1 - along] * width + self.corners[:, along])
            edges = np.flatnonzero(step[:, along])
            start = begin[edges, 1 - along] * width + begin[edges, along]
            low = np.minimum(start, start + step[edges, along])
            first = np.searchsorted(known, low, side="right")
            count = np.searchsorted(known, low + length[edges]) - first
            found = known[np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())]
            owners = np.repeat(edges, count)
            added = np.empty((len(found), 2), np.int64)
            added[:, 1 - along], added[:, along] = np.divmod(found, width)
            places.append(owners + np.abs(added - begin[owners]).sum(axis=1) / length[owners])
            points.append(added)
        place = np.concatenate(places)
        rings = np.searchsorted(self.ring_ends, np.floor(place), side="right") - 1
        lengths = np.bincount(rings, minlength=len(self.ring_ends) - 1)
        corners = np.concatenate(points)[np.argsort(place, kind="stable")]
        return replace(self, corners=corners, ring_ends=_ends(lengths))

    def upright_edges(self) -> "UprightEdges":
        """Return the edges between left and right neighbours, from which the areas can be filled again."""
        rings = np.repeat(np.arange(len(self.ring_ends) - 1), np.diff(self.ring_ends))
        within = rings[1:] == rings[:-1]
        begin, end, rings = self.corners[:-1][within], self.corners[1:][within], rings[:-1][within]
        twice_area = np.bincount(
            rings, begin[:, 0] * end[:, 1] - end[:, 0] * begin[:, 1], minlength=len(self.ring_ends) - 1
        )
        outer = np.zeros(len(self.ring_ends) - 1, bool)
        outer[self.piece_ends[:-1]] = True
        # So that going down is entering from the left for outer rings, and leaving to the right for holes.
        turn = np.where(outer, -1, 1) * np.sign(twice_area).astype(np.int64)
        pieces = np.repeat(np.arange(len(self.piece_ends) - 1), np.diff(self.piece_ends))
        areas = np.repeat(np.arange(len(self)), np.diff(self.area_ends))
        upright = begin[:, 0] == end[:, 0]
        begin, end, rings = begin[upright], end[upright], rings[upright]
        down = end[:, 1] > begin[:, 1]
        return UprightEdges(
            col=begin[:, 0],
            top=np.minimum(begin[:, 1], end[:, 1]),
            bottom=np.maximum(begin[:, 1], end[:, 1]),
            step=np.where(down, 1, -1) * turn[rings] * (areas[pieces[rings]] + 1),
        )


@dataclass(frozen=True, eq=False)
class UprightEdges:
    """Edges at the left of column ``col`` over rows ``top`` .. ``bottom`` - 1.

    From the left of an edge to its right the number of the area, counted from 1, rises by ``step``.
    """

    col: Int64[np.ndarray, " e"]
    top: Int64[np.ndarray, " e"]
    bottom: Int64[np.ndarray, " e"]
    step: Int64[np.ndarray, " e"]

    def numbers(self, window: Window) -> Int64[np.ndarray, "h w"] | None:
        """Return the area of each pixel of ``window``, which has full rows, or -1; None: no area at all."""
        here = (self.top < window.bottom) & (self.bottom > window.row)
        if not here.any():
            return None
        first = np.maximum(self.top[here], window.row) - window.row
        length = np.minimum(self.bottom[here], window.bottom) - window.row - first
        rows = np.repeat(first - np.cumsum(length) + length, length) + np.arange(length.sum())
        steps = np.zeros((window.height, window.width + 1), np.int64)
        np.add.at(steps, (rows, np.repeat(self.col[here], length)), np.repeat(self.step[here], length))
        return np.cumsum(steps, axis=1)[:, :-1] - 1


def trace(band: rasterio.Band, *, corners: bool) -> Outlines:
    """Trace the outlines of the pixels that are not 0; those of one value that touch at an edge are one area.

    With ``corners``, so are those that touch at a corner. The band is read block by block.
    """
    # Tuples of Python take ten times the memory of the numbers in them: each polygon is packed as it comes.
    numbers, ring_lengths, piece_lengths, values = array("d"), array("q"), array("q"), array("q")
    # GDAL takes masks of bytes alone; without one, the rest is traced along.
    mask = band if band.dtype == "uint8" else None
    for polygon, value in rasterio.features.shapes(band, mask=mask, connectivity=4):
        if not value:
            continue
        values.append(int(value))
        piece_lengths.append(len(polygon["coordinates"]))
        for ring in polygon["coordinates"]:
            ring_lengths.append(len(ring))
            numbers.extend(chain.from_iterable(ring))
    # Corners come in the file's coordinates; on the pixel grid they are whole numbers again, not nearly so.
    points = np.frombuffer(numbers).reshape(-1, 2)
    pieces = Outlines(
        np.rint(apply_all(~band.ds.transform, points)).astype(np.int64),
        _ends(np.frombuffer(ring_lengths, np.int64)),
        _ends(np.frombuffer(piece_lengths, np.int64)),
        np.arange(len(values) + 1),
        np.frombuffer(values, np.int64),
    )
    return _grouped(pieces) if corners else pieces


def _grouped(pieces: Outlines) -> Outlines:
    """Bring pieces of one value that share a corner together."""
    areas = _touching(pieces)
    # Stable, so that pieces stay in their order within an area.
    order = np.argsort(areas, kind="stable")
    count = int(areas.max(initial=-1)) + 1
    values = np.zeros(count, np.int64)
    values[areas] = pieces.values
    return replace(pieces.take(order), area_ends=_ends(np.bincount(areas, minlength=count)), values=values)


def _touching(pieces: Outlines) -> Int[np.ndarray, " p"]:
    """Return for each piece the number of the area it is part of."""
    if not len(pieces):
        return np.zeros(0, np.int64)
    corners = pieces.corners
    ring_of_corner = np.repeat(np.arange(len(pieces.ring_ends) - 1), np.diff(pieces.ring_ends))
    piece_of_ring = np.repeat(np.arange(len(pieces)), np.diff(pieces.piece_ends))
    owners = piece_of_ring[ring_of_corner]
    values = pieces.values[owners]
    order = np.lexsort((corners[:, 0], corners[:, 1], values))
    same: Bool[np.ndarray, " q"] = (corners[order][1:] == corners[order][:-1]).all(axis=1)
    same &= values[order][1:] == values[order][:-1]
    links = np.stack([owners[order][:-1][same], owners[order][1:][same]])
    return united(len(pieces), links)[1]


def _ends(lengths: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n1"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _members(ends: Int64[np.ndarray, " n1"], chosen: Int[np.ndarray, " k"]) -> Int64[np.ndarray, " i"]:
    """Return the numbers of what lies in the ``chosen`` ones of runs that end where the next begins."""
    lengths = np.diff(ends)[chosen]
    return np.repeat(ends[:-1][chosen] - _ends(lengths)[:-1], lengths) + np.arange(lengths.sum())


def apply_all(transform: Affine, points: Float64[np.ndarray, "m 2"]) -> Float64[np.ndarray, "m 2"]:
    """Return where ``transform`` maps ``points`` of x and y."""
    a, b, c, d, e, f = transform[:6]
    x, y = points.T
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)
