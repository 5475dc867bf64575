"""Pairs of two subsets that have one image in common: of a series of dates, say, of one place.

What was learnt there helps on the other pair, too, though as pairs they differ. Files count that hold the
same bytes, at either date; windows of one file count where they overlap, and images of one value never do.

n images of other pairs
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from terramamba.data.file_facts import FileFacts, Key
from terramamba.data.pairs.image_pair import PairFiles, overlapping, window_bounds

DATES = (0, 1)


@dataclass(frozen=True, eq=False)
class _Known:
    """The pairs that have one image, at which date each, and the bounds of their windows."""

    pairs: list[tuple[PairFiles, int]]
    bounds: Float64[np.ndarray, "n 4"]


def shared_images(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    """List the pairs of ``second`` that have one image of a pair of ``first``, and not both.

    Each by that image, with the one that it is a copy of where that is another file. Files are read only
    where both have some of the same size.
    """
    sizes = {_key(pair, date, FileFacts.size) for pair in first for date in DATES}
    sizes &= {_key(pair, date, FileFacts.size) for pair in second for date in DATES}
    seen: dict[Key, list[tuple[PairFiles, int]]] = {}
    for pair in first:
        for date, key in _contents(pair, sizes):
            seen.setdefault(key, []).append((pair, date))
    known = {
        key: _Known(own, np.array([window_bounds(pair.window) for pair, _ in own], np.float64))
        for key, own in seen.items()
    }
    found = []
    for pair in second:
        near = [
            (date, other)
            for date, key in _contents(pair, sizes)
            if key in known
            for other in (known[key].pairs[place] for place in overlapping(known[key].bounds, pair.window))
        ]
        with_both = {id(other) for date, (other, _) in near if date == 0} & {
            id(other) for date, (other, _) in near if date == 1
        }
        if near and not with_both and has_detail(pair, near[0][0]):
            date, (other, of_date) = near[0]
            own, of = _image(pair, date), _image(other, of_date)
            found.append(own if own == of else f"{own} (the same as {of})")
    return found


def _image(pair: PairFiles, date: int) -> str:
    return (pair.before, pair.after)[date]


def _key(pair: PairFiles, date: int, fact: Callable[[FileFacts, str], Key]) -> Key:
    return fact(pair.facts, _image(pair, date))


def _contents(pair: PairFiles, sizes: set[Key]) -> Iterator[tuple[int, Key]]:
    """The dates of a pair whose file is of one of ``sizes``, with the key of what it holds."""
    for date in DATES:
        if _key(pair, date, FileFacts.size) in sizes:
            yield date, _key(pair, date, FileFacts.content)


def has_detail(pair: PairFiles, date: int) -> bool:
    """Tell whether the image of a date (0 or 1) shows more than one value."""
    values, _ = pair.open()[date].read(pair.window)
    return bool((values != values[:, :1, :1]).any())
