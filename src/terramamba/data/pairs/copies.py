"""Pairs that show the same as others, though their files differ: saved anew, brightened, mirrored or turned.

The middle band of both dates is averaged to a small picture, of which only detail counts (each cell less the
mean of those around it), so that light, haze and compression hardly matter. Detail that correlates at both
dates, as it lies, mirrored or in quarter turns, makes a suspect; finer pictures of both, read anew, must then
agree. Pictures without detail are never copies. Parts of images that overlap are not found here: where they
are windows of one file ``same_pairs`` finds them, else ``overlaps``.

n pairs   t date (2)   s side of a picture
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.ndimage import uniform_filter

from terramamba.data.pairs.image_pair import PairFiles, same_pairs
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

COARSE, FINE = 32, 64
"""Sides of the small pictures."""
SUSPECT, COPY = 0.6, 0.5
"""Least correlation of detail in coarse and in fine pictures. No two pairs of the parts of CLCD, LEVIR-CD and
DSIFN-CD that we have reach 0.2; copies at JPEG quality 30, turned, mirrored or made smaller, reach 0.8."""
MAY_BE = 0.35
"""The same by a quarter of the cells, of which the correlation is 0.04 off where all reach ``SUSPECT``."""
LEAST_DETAIL = 0.02
"""Share of the standard deviation that detail must have; less is a gradient with noise."""
MOST_DETAIL, LEAST_CUT = 1.5, 0.5
"""How many times the detail of nine tenths of the cells may be: more is cut off, but not below this part of
the standard deviation, as of images that are flat for the most part."""
LEAST_DATA = 0.5
PIXELS_PER_READ = 2**22
COMPARED_AT_ONCE = 1024, 256
"""Pairs that are known, and asked for: what is made of them stays in the processor's cache."""


@dataclass(frozen=True)
class Copy:
    """A pair, and the one that shows the same."""

    pair: PairFiles
    of: PairFiles


def shared_pairs(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """List the pairs of ``second`` that are in ``first`` too: the same files, or others that show the same.

    Each by its earlier image, with the one that it is a copy of.
    """
    same = same_pairs(first, second)
    befores = {pair.before for pair, _ in same}
    exact = [
        pair.before
        if Path(pair.before).absolute() == Path(of.before).absolute()
        else f"{pair.before} (which has the same files as {of.before})"
        for pair, of in same
    ]
    others = [pair for pair in second if pair.before not in befores]
    shown = [
        f"{copy.pair.before} (which shows the same as {copy.of.before})"
        for copy in find_copies(first, others)
    ]
    return [*exact, *shown]


def find_copies(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[Copy]:
    """Find the pairs of ``second`` that show the same as some pair of ``first``, also with dates exchanged.

    Reads all of the images once. Raises ``InputError`` where a file is damaged.
    """
    some, others = _pictures(first), _pictures(second)
    if not some or not others:
        return []
    known = np.stack([picture for _, picture in some])
    found = []
    for start in range(0, len(others), COMPARED_AT_ONCE[1]):
        part = others[start : start + COMPARED_AT_ONCE[1]]
        may_be = _may_be_alike(known, np.stack([picture for _, picture in part]))
        for place in np.flatnonzero(may_be.any(axis=0)).tolist():
            pair, picture = part[place]
            candidates = np.flatnonzero(may_be[:, place])
            alike = _likeness(known[candidates], picture[None])[:, 0]
            for candidate in np.argsort(-alike)[: np.count_nonzero(alike >= SUSPECT)].tolist():
                of = some[candidates[candidate]][0]
                if _agree(of, pair):
                    found.append(Copy(pair, of))
                    break
    return found


def _agree(one: PairFiles, other: PairFiles) -> bool:
    """Tell whether fine pictures of two pairs show the same."""
    pictures = [_picture(pair, FINE) for pair in (one, other)]
    if any(picture is None for picture in pictures):
        return min(_side(one), _side(other)) < FINE  # too small to look closer
    fine = [picture for picture in pictures if picture is not None]
    return bool(_likeness(fine[0][None], fine[1][None])[0, 0] >= COPY)


def _pictures(pairs: Sequence[PairFiles]) -> list[tuple[PairFiles, Float32[np.ndarray, "2 s s"]]]:
    """The pairs that have detail at both dates, with it."""
    return [(pair, picture) for pair in pairs if (picture := coarse_picture(pair)) is not None]


def coarse_picture(
    pair: PairFiles, dates: Sequence[Scene] | None = None
) -> Float32[np.ndarray, "2 s s"] | None:
    """Return the detail of both dates by which copies are suspected; None where a date has none.

    ``dates`` are those of the pair, if they are open.
    """
    asked = ("picture", *pair.reading, pair.window, pair.exchanged)
    return pair.facts.once(asked, partial(_picture, pair, COARSE, dates))


def _picture(
    pair: PairFiles, side: int, dates: Sequence[Scene] | None = None
) -> Float32[np.ndarray, "2 s s"] | None:
    """Detail of both dates, with mean 0 and length 1; None where a date has none, or too little data."""
    if _side(pair) < side:
        return None
    details = []
    for scene in pair.open() if dates is None else dates:
        cells = _cells(scene, pair.window or scene.grid.window, side)
        if cells is None:
            return None
        detail = cells - uniform_filter(cells, 5, mode="nearest")
        detail -= detail.mean()
        if detail.std() <= LEAST_DETAIL * cells.std() or not cells.std():
            return None
        # what many images show at one place, as a provider's mark, would else be all that counts
        most = max(MOST_DETAIL * float(np.quantile(np.abs(detail), 0.9)), LEAST_CUT * float(detail.std()))
        detail = detail.clip(-most, most)
        detail -= detail.mean()
        details.append(detail / np.linalg.norm(detail))
    return np.stack(details).astype(np.float32)


def _side(pair: PairFiles) -> int:
    grid = pair.window or pair.grid.window
    return min(grid.height, grid.width)


def _cells(scene: Scene, area: Window, side: int) -> Float64[np.ndarray, "s s"] | None:
    """Means of the middle band over ``side`` x ``side`` cells; None where most of the area has no data."""
    total, known = np.zeros((side, side)), np.zeros((side, side))
    across = members(0, area.width, area.width, side).T
    for strip in strips(area.height, area.width, max(1, PIXELS_PER_READ // area.width)):
        window = Window(area.row + strip.row, area.col, *strip.shape)
        (values,), (valid,) = scene.read(window, (scene.bands // 2,))
        usable = valid & np.isfinite(values) if values.dtype.kind == "f" else valid
        down = members(strip.row, strip.height, area.height, side)
        if usable.all():
            known += np.outer(down.sum(axis=1), across.sum(axis=0))
            total += down @ values.astype(np.float32) @ across
        else:
            known += down @ usable.astype(np.float32) @ across
            total += down @ np.where(usable, values, 0).astype(np.float32) @ across
    if known.sum() < LEAST_DATA * area.pixels:
        return None
    mean = total.sum() / known.sum()
    return np.where(known > 0, total / np.maximum(known, 1), mean)


@lru_cache(64)
def members(start: int, count: int, length: int, side: int) -> Float32[np.ndarray, "s n"]:
    """Make 1 where a place of ``start`` and on, of ``length``, belongs to a cell of ``side``."""
    cells = np.arange(start, start + count) * side // length
    return (cells == np.arange(side)[:, None]).astype(np.float32)


def show_other_places(one: PairFiles, other: PairFiles) -> bool:
    """Tell whether two pairs surely show different places; not where one has no detail."""
    pictures = coarse_picture(one), coarse_picture(other)
    if pictures[0] is None or pictures[1] is None:
        return False
    return bool(_likeness(pictures[0][None], pictures[1][None])[0, 0] < MAY_BE)


def _may_be_alike(
    known: Float32[np.ndarray, "n 2 s s"], asked: Float32[np.ndarray, "m 2 s s"]
) -> Bool[np.ndarray, "n m"]:
    """Where ``_likeness`` may reach ``SUSPECT``: by a quarter of the cells and one date of what is asked for.

    It is an eighth of the work. The cells lie on each other however pictures are mirrored and turned.
    """
    others = _thinned(asked[:, :1]), _thinned(asked[:, :1].swapaxes(2, 3))
    may_be = np.zeros((len(known), len(asked)), bool)
    for start in range(0, len(known), COMPARED_AT_ONCE[0]):
        own = _thinned(known[start : start + COMPARED_AT_ONCE[0]])
        best = may_be[start : start + COMPARED_AT_ONCE[0]]
        for other, date in product(others, (0, 1)):
            kept, columns, rows, both = own[:, date] @ other[:, 0].swapaxes(1, 2)
            # the largest of the four that ``_mirrored`` makes of them
            best |= kept + both + np.abs(columns + rows) >= MAY_BE
            best |= kept - both + np.abs(columns - rows) >= MAY_BE
    return may_be


def _thinned(pictures: Float32[np.ndarray, "n d s s"]) -> Float32[np.ndarray, "4 d n p"]:
    """What ``_halved`` gives of some cells, so that the four have length 1 together."""
    chosen = _halved(pictures)[..., _some_cells(pictures.shape[-1] // 2)]
    return chosen / np.maximum(np.sqrt((chosen**2).sum(axis=(0, 3), keepdims=True)), 1e-12)


@cache
def _some_cells(half: int) -> Int64[np.ndarray, " p"]:
    """Which cells of a quarter of a picture are compared first: one in four, spread over it by chance."""
    drawn = np.random.default_rng(0).random((half, half))
    both = np.minimum(drawn, drawn.T)  # a cell, and that with row and column exchanged
    return np.flatnonzero(both < np.quantile(both, 1 / 4))


def _likeness(
    known: Float32[np.ndarray, "n 2 s s"], asked: Float32[np.ndarray, "m 2 s s"]
) -> Float32[np.ndarray, "n m"]:
    """The lower correlation of the two dates, at its highest over turns, mirrorings and orders."""
    others = _halved(asked), _halved(asked.swapaxes(2, 3))
    alike = np.full((len(known), len(asked)), -1, np.float32)
    for start in range(0, len(known), COMPARED_AT_ONCE[0]):
        own = _halved(known[start : start + COMPARED_AT_ONCE[0]])
        best = alike[start : start + COMPARED_AT_ONCE[0]]
        for other, order in product(others, ((0, 1), (1, 0))):
            dates = [_mirrored(own[:, date], other[:, of]) for date, of in enumerate(order)]
            for first, second in zip(*dates, strict=True):
                np.maximum(best, np.minimum(first, second), out=best)
    return alike


def _halved(pictures: Float32[np.ndarray, "n d s s"]) -> Float32[np.ndarray, "4 d n q"]:
    """What mirroring keeps and what it negates: kept by both, negated by columns, by rows, by both.

    The four have the scalar products of the pictures as their sum, with a quarter of the numbers each.
    """
    half = pictures.shape[-1] // 2
    top, bottom = pictures[..., :half, :], pictures[..., ::-1, :][..., :half, :]
    parts = []
    for rows in (top + bottom, top - bottom):
        left, right = rows[..., :half], rows[..., ::-1][..., :half]
        parts += [(left + right) / 2, (left - right) / 2]
    quarters = np.stack(parts).reshape(4, *pictures.shape[:2], -1)
    return np.ascontiguousarray(quarters.swapaxes(1, 2))


def _mirrored(
    own: Float32[np.ndarray, "4 n q"], other: Float32[np.ndarray, "4 m q"]
) -> tuple[Float32[np.ndarray, "n m"], ...]:
    """Scalar products with ``other`` as it lies, with columns, with rows, and with both mirrored."""
    kept, columns, rows, both = own @ other.swapaxes(1, 2)
    twice, never, once, other_once = kept + both, kept - both, columns + rows, columns - rows
    return twice + once, never - other_once, never + other_once, twice - once
