"""Were codes of classes interpolated or measured? Between 2 and 7 that leaves borders of 3, 4, 5 and 6.

In a map of classes 2 lies beside 7 somewhere, and what lies thinly between two others has any code. Where
codes are ordered, as steps of a height, neighbours differ by one. h, w rows and columns of a part
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

THIN, MOST_THIN = 3, 12
"""Pixels that a piece of a border is wide at most, and all of it."""
FEWEST, OF_BORDERS = 30, 0.2
"""So many borders of codes that differ by 3 and more, and such a part of all, say something ..."""
PASSED = 0.6
"""... where on this part of them the codes between are passed one after the other. In 7 real maps of classes
at most 0.1 are, in maps interpolated to pixels half to a fifth as large 0.7 to 1."""
MANY, SMALL_STEP = 40, 0.08
"""More codes, without any name, are measured where those at a border differ by this part of what two do."""
AT_ONCE, LEAST_ROWS, ENOUGH = 500_000, 64, 1_000_000
"""Pixels and rows of which borders are counted at once, until these are enough."""


@dataclass
class Borders:
    """Borders along rows and columns between pieces of one code, and how many pass the codes between."""

    all: int = 0
    wide: int = 0
    passing: dict[tuple[int, int], int] = field(default_factory=dict)
    passed: dict[tuple[int, int], set[int]] = field(default_factory=dict)
    ends: list[Int[np.ndarray, "2 n"]] = field(default_factory=list)

    def add(self, image: Int[np.ndarray, "h w"]) -> None:
        """Count those of a part of the labels, in which what is below 0 has no code."""
        rows = max(LEAST_ROWS, AT_ONCE // max(1, image.shape[1]))
        for top in range(0, len(image), rows):
            if sum(ends.shape[1] for ends in self.ends) >= ENOUGH:
                return
            part = image[top : top + rows]
            for lines in (part, part.T):
                self._add_along_rows(np.ascontiguousarray(lines))

    def _add_along_rows(self, image: Int[np.ndarray, "h w"]) -> None:
        begins = np.ones(image.shape, bool)
        begins[:, 1:] = image[:, 1:] != image[:, :-1]
        starts = np.flatnonzero(begins)
        codes, rows = image.ravel()[starts], starts // image.shape[1]
        lengths = np.diff(starts, append=image.size)
        pieces = np.flatnonzero((lengths > THIN) | (codes < 0))
        first, last = pieces[:-1], pieces[1:]
        near = starts[last] - starts[first] - lengths[first] <= MOST_THIN
        counts = (rows[first] == rows[last]) & near & (codes[first] != codes[last])
        counts &= (codes[first] >= 0) & (codes[last] >= 0)
        first, last = first[counts], last[counts]
        wide = np.abs(codes[last] - codes[first]) > 2  # a single code between may be a class, as a shore is
        rising = np.concatenate([[0], np.cumsum(np.diff(codes) > 0)])
        up, steps = rising[last] - rising[first], last - first
        begins_up, ends_up = codes[first + 1] > codes[first], codes[last] > codes[last - 1]
        rises = codes[last] > codes[first]
        # splines overshoot beside a border: a step away from the other code begins and ends it
        overshot = (begins_up != rises).astype(int) + (ends_up != rises)
        one_way = np.where(rises, up, steps - up) == steps - overshot
        self.all += len(first)
        self.wide += int(np.count_nonzero(wide))
        passing = np.flatnonzero(wide & (steps - overshot > 1) & one_way)
        of, to = np.sort([codes[first[passing]], codes[last[passing]]], axis=0)
        next_to = codes[first[passing] + 1], codes[last[passing] - 1]
        for pair, number in Counter(zip(of.tolist(), to.tolist(), strict=True)).items():
            self.passing[pair] = self.passing.get(pair, 0) + number
        for low, high, code in set(
            zip(
                *(np.tile(end, 2).tolist() for end in (of, to)), np.concatenate(next_to).tolist(), strict=True
            )
        ):
            self.passed.setdefault((low, high), set()).add(code)
        beside = (rows[1:] == rows[:-1]) & (codes[1:] >= 0) & (codes[:-1] >= 0)
        self.ends.append(np.stack([codes[:-1][beside], codes[1:][beside]]))

    def interpolated(self) -> str | None:
        """Say that the codes were probably interpolated; None where they were not."""
        several = [pair for pair, codes in self.passed.items() if len(codes) > 1]
        if len({frozenset(self.passed[pair]) for pair in several}) < 2:
            return None  # the same rim may lie between any two
        passing = sum(self.passing[pair] for pair in several)
        few = self.wide < max(FEWEST, OF_BORDERS * self.all)
        if few or passing < PASSED * self.wide:
            return None
        return (
            f"on {passing:,} of {self.wide:,} borders between classes the codes between theirs follow"
            " each other: probably the labels were resampled by interpolation, so that their borders are of"
            " classes that are not there; resample codes by nearest neighbour"
        )

    def measured(self, codes: int) -> str | None:
        """Say that so many ``codes`` without names are probably no classes; None where they may be."""
        ends = np.concatenate(self.ends, axis=1) if self.ends else np.zeros((2, 0), np.int64)
        if codes <= MANY or ends.shape[1] < FEWEST:
            return None
        any_two = np.random.default_rng(0).permutation(ends.ravel()).reshape(2, -1)
        step, apart = (float(np.median(np.abs(one[1] - one[0]))) for one in (ends, any_two))
        if step > SMALL_STEP * apart:
            return None
        return (
            f"its file names none of its {codes} codes, and those of neighbours differ by {step:.2g}, of any"
            f" two by {apart:.2g}: maybe they are measurements, or a picture that was saved as JPEG, and no"
            " classes"
        )


def notes_on_codes_of(
    path: str, borders: Borders, counts: Mapping[int, int], *, named: bool
) -> tuple[str, ...]:
    """Say that codes were probably interpolated or, where they are not ``named``, measured."""
    measured = None if named else borders.measured(sum(code > 0 for code in counts))
    said = measured or borders.interpolated()
    return () if said is None else (f"{path}: {said}",)
