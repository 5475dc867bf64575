"""Pairs whose images overlap though they lie in files of their own: crops of one large image.

Small squares are picked by what they show and not by where they lie, so that two crops pick the same ones
where they overlap: those whose rolling hash ends in zeros. A square that two pairs share says how one lies on
the other, and the overlap must then be equal at both dates. Crops that were compressed anew are found where
both are georeferenced on one grid: by their bounds, and by how alike the overlap is.

n squares   h, w rows and columns of an image
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64, Int64, Shaped, UInt64
from numpy.lib.stride_tricks import sliding_window_view

from terramamba.data.pairs.copies import shared_pairs
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

SQUARE = 16
"""Pixels of a side that is hashed, and the least side of an overlap."""
PICKED = 8
"""Zero bits at the end of a hash: one square in 256 is picked."""
LEAST_VALUES = 24
"""Different values in a square; sky, water and fill without texture are alike everywhere."""
MOST_TRIED = 8
"""Places of one pair on another, or pairs, that are looked at more closely."""
ALIKE = 0.98
"""Least correlation of a georeferenced overlap, at both dates, where values are not equal."""
SAME_GRID = 0.05
"""Pixels by which grids of crops may be off each other."""
LARGEST = 4096
"""Rows and columns of an image that are looked at, from its first."""
_MIX, _ALL_BITS = 0x9E3779B97F4A7C15, (1 << 64) - 1

Place = tuple[int, int]
"""Rows and columns from the first pixel of one image to that of another."""


@dataclass(frozen=True, eq=False)
class Squares:
    """The picked squares of an image: hashes, and rows and columns of their first pixels."""

    hashes: UInt64[np.ndarray, " n"]
    rows: Int64[np.ndarray, " n"]
    cols: Int64[np.ndarray, " n"]


def shown_in_both(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """List the pairs of ``second`` that ``first`` shows too: the same files, copies, and overlaps of images.

    Each by its earlier image, with the one that shows it and how.
    """
    shared = shared_pairs(first, second)
    known = {text.split(" (which ")[0] for text in shared}
    others = [pair for pair in second if pair.before not in known]
    return [*shared, *overlapping_pairs(first, others)]


def overlapping_pairs(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """List the pairs of ``second`` whose images overlap with those of a pair of ``first``, with that one.

    Reads the earlier images once. Raises ``InputError`` where a file is damaged.
    """
    if not first or not second:
        return []
    found = []
    by_hash, by_grid = _by_hash(first), _by_grid(first)
    for pair in second:
        tried = list(_candidates(pair, first, by_hash))[:MOST_TRIED] + list(
            _on_one_grid(pair, first, by_grid)
        )
        for other, place in tried:
            size = _overlap(other, pair, place)
            if size is not None:
                found.append(f"{pair.before} (which overlaps {other.before} by {size[0]} x {size[1]} pixels)")
                break
    return found


def squares_of(values: Shaped[np.ndarray, "h w"]) -> Squares:
    """Take squares of one band, chosen by their content."""
    numbers = np.ascontiguousarray(values)
    bits = numbers.view(f"u{numbers.dtype.itemsize}") if numbers.dtype.kind == "f" else numbers
    hashed = _rolled(_rolled(bits.astype(np.uint64) + np.uint64(1), 0), 1)
    mixed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(_MIX)
    rows, cols = np.nonzero(mixed >> np.uint64(64 - PICKED) == 0)
    kept = _different(sliding_window_view(numbers, (SQUARE, SQUARE))[rows, cols]) >= LEAST_VALUES
    rows, cols = rows[kept], cols[kept]
    return Squares(mixed[rows, cols], rows, cols)


def _different(squares: Shaped[np.ndarray, "n h w"]) -> Int64[np.ndarray, " n"]:
    """Count the different values of each square; NaN is one."""
    rising = np.sort(squares.reshape(-1, SQUARE * SQUARE), axis=1)
    first, second = rising[:, :-1], rising[:, 1:]
    return 1 + np.count_nonzero((first != second) & (first == first), axis=1)


def _rolled(values: UInt64[np.ndarray, "h w"], axis: int) -> UInt64[np.ndarray, "y x"]:
    """Hash each run of ``SQUARE`` values along ``axis``, by doubling."""
    factor, length = _MIX if axis else _MIX >> 1 | 1, 1
    while length < SQUARE:
        ends = [slice(None), slice(None)]
        starts = [slice(None), slice(None)]
        starts[axis], ends[axis] = slice(None, -length), slice(length, None)
        values = values[tuple(starts)] + values[tuple(ends)] * np.uint64(factor)
        factor, length = factor * factor & _ALL_BITS, 2 * length
    return values


@dataclass(frozen=True, eq=False)
class _ByHash:
    """The squares of many pairs by rising hash; ``pairs`` says whose each is."""

    squares: Squares
    pairs: Int64[np.ndarray, " n"]


def _by_hash(pairs: Sequence[PairFiles]) -> _ByHash:
    each = [squares_in(pair) for pair in pairs]
    hashes = np.concatenate([own.hashes for own in each])
    order = np.argsort(hashes, kind="stable")
    rows, cols = (np.concatenate([getattr(own, name) for own in each])[order] for name in ("rows", "cols"))
    owners = np.repeat(np.arange(len(pairs)), [len(own.hashes) for own in each])[order]
    return _ByHash(Squares(hashes[order], rows, cols), owners)


def squares_in(pair: PairFiles, dates: Sequence[Scene] | None = None) -> Squares:
    """Find the squares of the earlier date of a pair; ``dates`` are those, if open."""
    asked = ("squares", *pair.reading, pair.window, pair.exchanged)
    return pair.facts.once(asked, partial(_look, pair, dates))


def _look(pair: PairFiles, dates: Sequence[Scene] | None) -> Squares:
    scene = (pair.open() if dates is None else dates)[0]
    area = _area(pair)
    if min(area.shape) < SQUARE:
        return Squares(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    part = Window(area.row, area.col, min(area.height, LARGEST), min(area.width, LARGEST))
    (values,), _ = scene.read(part, (scene.bands // 2,))
    return squares_of(values)


def _area(pair: PairFiles) -> Window:
    return pair.window or pair.grid.window


def _candidates(
    pair: PairFiles, first: Sequence[PairFiles], known: _ByHash
) -> Iterator[tuple[PairFiles, Place]]:
    """The pairs of ``first`` that share squares with ``pair``, most first, and where it lies on them."""
    own = squares_in(pair)
    low = np.searchsorted(known.squares.hashes, own.hashes, "left")
    high = np.searchsorted(known.squares.hashes, own.hashes, "right")
    counted: dict[tuple[int, int, int], int] = {}
    for place in np.flatnonzero((high > low) & (high - low <= MOST_TRIED)).tolist():
        for at in range(int(low[place]), int(high[place])):
            row = int(known.squares.rows[at] - own.rows[place])
            col = int(known.squares.cols[at] - own.cols[place])
            key = int(known.pairs[at]), row, col
            counted[key] = counted.get(key, 0) + 1
    for index, row, col in sorted(counted, key=counted.__getitem__, reverse=True):
        yield first[index], (row, col)


GridKey = tuple[str, float, float]
"""Reference system, and width and height of pixels."""


def _by_grid(pairs: Sequence[PairFiles]) -> dict[GridKey, tuple[list[int], Float64[np.ndarray, "n 4"]]]:
    """Which of ``pairs`` are georeferenced with one kind of pixels, and their bounds in such pixels."""
    found: dict[GridKey, list[int]] = {}
    for index, pair in enumerate(pairs):
        key = _grid_key(pair)
        if key is not None:
            found.setdefault(key, []).append(index)
    return {key: (own, np.array([_bounds(pairs[i]) for i in own])) for key, own in found.items()}


def _grid_key(pair: PairFiles) -> GridKey | None:
    crs, transform = pair.grid.crs, pair.grid.transform
    if crs is None or transform is None or transform.b or transform.d:
        return None
    return crs.to_wkt(), transform.a, transform.e


def _bounds(pair: PairFiles) -> tuple[float, float, float, float]:
    """First row and column, and those behind the last, in pixels from the origin of the reference system."""
    transform, area = pair.grid.transform, _area(pair)
    assert transform is not None
    row, col = transform.f / transform.e + area.row, transform.c / transform.a + area.col
    return row, col, row + area.height, col + area.width


def _on_one_grid(
    pair: PairFiles,
    first: Sequence[PairFiles],
    known: Mapping[GridKey, tuple[list[int], Float64[np.ndarray, "n 4"]]],
) -> Iterator[tuple[PairFiles, Place]]:
    """The georeferenced pairs of ``first`` that lie on the ground of ``pair``, and where it lies on them."""
    key = _grid_key(pair)
    if key is None or key not in known:
        return
    indexes, bounds = known[key]
    top, left, bottom, right = _bounds(pair)
    rows = np.minimum(bounds[:, 2], bottom) - np.maximum(bounds[:, 0], top)
    cols = np.minimum(bounds[:, 3], right) - np.maximum(bounds[:, 1], left)
    for place in np.flatnonzero((rows >= SQUARE) & (cols >= SQUARE))[:MOST_TRIED].tolist():
        row, col = top - bounds[place, 0], left - bounds[place, 1]
        if max(abs(row - round(row)), abs(col - round(col))) <= SAME_GRID:
            yield first[indexes[place]], (round(row), round(col))


def _common(area: Window, own: Window, place: Place) -> Window:
    """What two images share, in pixels of the first from its own first pixel."""
    moved = Window(place[0], place[1], own.height, own.width)
    return moved.intersect(Window(0, 0, area.height, area.width))


def _overlap(one: PairFiles, other: PairFiles, place: Place) -> tuple[int, int] | None:
    """Rows and columns that both show alike at both dates, ``other`` at ``place`` of ``one``; None: none."""
    area, own = _area(one), _area(other)
    shared = _common(area, own, place)
    if min(shared.shape) < SQUARE:
        return None
    here = Window(area.row + shared.row, area.col + shared.col, *shared.shape)
    there = Window(own.row + shared.row - place[0], own.col + shared.col - place[1], *shared.shape)
    georeferenced = one.grid.crs is not None and other.grid.crs is not None
    for first, second in zip(one.open(), other.open(), strict=True):
        (a,), _ = first.read(here, (first.bands // 2,))
        (b,), _ = second.read(there, (second.bands // 2,))
        if not (np.array_equal(a, b, equal_nan=a.dtype.kind == "f") or (georeferenced and _alike(a, b))):
            return None
    return shared.shape


def _alike(a: Shaped[np.ndarray, "h w"], b: Shaped[np.ndarray, "h w"]) -> bool:
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < SQUARE**2 or a[known].std() == 0 or b[known].std() == 0:
        return False
    return bool(np.corrcoef(a[known], b[known])[0, 1] >= ALIKE)
