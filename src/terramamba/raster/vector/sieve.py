"""Small patches of a class map given to their neighbours: a smallest area that each patch of a map has.

Patches are pixels of one class that touch at an edge. A patch that is too small takes the class of the
largest patch that it touches, and is one with it and with what else it touches of that class, until no patch
is too small, or what is left touches no other. The map is read by strips: memory grows with the number of
patches, of which those that were large enough from the start touch nothing that has to be remembered.

n patches   p pairs of patches that touch   k pieces of patches in strips
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import rasterio
from jaxtyping import Bool, Float64, Int64, Integer

from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector.pieces import (
    NO_PIECE,
    PiecesOfStrip,
    distinct,
    joined_across,
    pieces_of_strips,
    united,
)
from terramamba.raster.windows import Window


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of a map, and which of them touch."""

    code: Int64[np.ndarray, " n"]
    pixels: Int64[np.ndarray, " n"]
    area: Float64[np.ndarray, " n"]
    """Square metres, or pixels."""
    first: Int64[np.ndarray, " n"]
    """First pixel of each, counted row by row: of two patches of one size, the earlier is the larger."""
    touching: Int64[np.ndarray, "2 p"]

    def grouped(self, groups: int, of_each: Int64[np.ndarray, " n"]) -> "Patches":
        """Sum up patches that are one from now on; those of a group have one class."""
        code, first = np.zeros(groups, np.int64), np.full(groups, np.iinfo(np.int64).max)
        code[of_each] = self.code
        np.minimum.at(first, of_each, self.first)
        pairs = of_each[self.touching]
        return Patches(
            code,
            np.bincount(of_each, self.pixels, minlength=groups).astype(np.int64),
            np.bincount(of_each, self.area, minlength=groups).astype(np.float64),
            first,
            distinct(pairs[:, pairs[0] != pairs[1]]),
        )


@dataclass(frozen=True, eq=False)
class Sieve:
    """The class that each piece of a map has in the end, and how much that changes."""

    codes: tuple[int, ...]
    """Values of the map that are classes."""
    of_pieces: Int64[np.ndarray, " k"]
    patches: int
    """Patches that took another class, and the pixels in them."""
    pixels: int

    def strips(self, file: rasterio.DatasetReader) -> Iterator[tuple[Window, Integer[np.ndarray, "h w"]]]:
        """Yield the map in ``file``, of which the sieve was made, with the small patches given away."""
        for strip in pieces_of_strips(file, self.codes, corners=False):
            there = strip.numbers != NO_PIECE
            values = strip.values.copy()
            values[there] = self.of_pieces[strip.numbers[there]]
            yield strip.window, values


def make_sieve(
    file: rasterio.DatasetReader, codes: Collection[int], least: float, measure: PixelArea | None
) -> Sieve:
    """Find which patches of the classes ``codes`` in ``file`` are too small, and what they become.

    ``least``, which is large enough, is in square metres, as ``measure`` has them, or in pixels without it.
    """
    found, of_strips = _patches(file, codes, least, measure)
    ended, part_of = merged(found, least)
    became = ended.code[part_of]
    given = became != found.code
    return Sieve(
        tuple(codes), became[of_strips], int(np.count_nonzero(given)), int(found.pixels[given].sum())
    )


def merged(patches: Patches, least: float) -> tuple[Patches, Int64[np.ndarray, " n"]]:
    """Give patches smaller than ``least`` to the largest they touch, until none is left that touches one.

    Returns the patches in the end, and which of these each of the given ones is part of.
    """
    part_of = np.arange(len(patches.code))
    while True:
        small = patches.area < least
        # Whatever is large enough is larger than what is not, wherever on the Earth its pixels lie.
        order = np.lexsort((-patches.first, patches.pixels, ~small))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        one, other = np.concatenate([patches.touching, patches.touching[::-1]], axis=1)
        given = small[one]
        if not given.any():
            return patches, part_of
        largest = rank.copy()
        np.maximum.at(largest, one[given], rank[other[given]])
        taken_by = order[largest]
        while not np.array_equal(further := taken_by[taken_by], taken_by):
            taken_by = further
        named = replace(patches, code=patches.code[taken_by])
        one, other = named.touching
        alike = named.touching[:, named.code[one] == named.code[other]]
        merging = np.concatenate([np.stack([np.arange(len(taken_by)), taken_by]), alike], axis=1)
        groups, of_each = united(len(taken_by), merging)
        patches = named.grouped(groups, of_each)
        part_of = of_each[part_of]


def _patches(
    file: rasterio.DatasetReader, codes: Collection[int], least: float, measure: PixelArea | None
) -> tuple[Patches, Int64[np.ndarray, " k"]]:
    """The patches of a map, and which of them each piece is part of."""
    counted: list[tuple[np.ndarray, ...]] = []
    joined, touching = [np.zeros((2, 0), np.int64)], [np.zeros((2, 0), np.int64)]
    above: PiecesOfStrip | None = None
    for strip in pieces_of_strips(file, codes, corners=False):
        there = strip.numbers != NO_PIECE
        own = strip.numbers[there] - strip.begin
        sizes = None if measure is None else measure.square_metres(strip.window)[there]
        area = np.bincount(own, sizes, minlength=strip.count).astype(np.float64)
        code, first = np.zeros(strip.count, np.int64), np.zeros(strip.count, np.int64)
        code[own] = strip.values[there]
        places = np.flatnonzero(there) + strip.window.row * file.width
        first[own[::-1]] = places[::-1]  # the last of several is kept, so they come from the end
        counted.append((code, np.bincount(own, minlength=strip.count), area, first))
        pairs = _touching(strip.numbers)
        large = area[pairs - strip.begin] >= least
        touching.append(pairs[:, ~large.all(axis=0)])
        if above is not None:
            joined.append(joined_across(above, strip, corners=False))
            touching.append(_touching(np.concatenate([above.numbers[-1:], strip.numbers[:1]])))
        above = strip
    code, pixels, area, first = (np.concatenate(part) for part in zip(*counted, strict=True))
    pieces = Patches(code, pixels, area, first, np.concatenate(touching, axis=1))
    groups, of_strips = united(len(code), np.concatenate(joined, axis=1))
    return pieces.grouped(groups, of_strips), of_strips


def _touching(numbers: Int64[np.ndarray, "h w"]) -> Int64[np.ndarray, "2 p"]:
    """Pairs of pieces that have an edge in common, each once."""
    sides = [(numbers[:-1], numbers[1:]), (numbers[:, :-1], numbers[:, 1:])]
    pairs = np.concatenate([np.stack([one.ravel(), other.ravel()]) for one, other in sides], axis=1)
    apart: Bool[np.ndarray, " q"] = (pairs[0] != pairs[1]) & (pairs != NO_PIECE).all(axis=0)
    return distinct(np.sort(pairs[:, apart], axis=0))
