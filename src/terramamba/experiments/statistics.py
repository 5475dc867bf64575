"""How sure a mean over seeds is, and whether a difference is more than chance.

Interval: units (pairs, squares of a scene) are drawn anew with replacement, the same ones for all seeds.

Test: a paired permutation test. If two models were the same, each unit's counts could as well have been the
other's; they are exchanged at random, for all seeds of a unit together, because seeds that look at one place
are no independent witnesses. It needs no normal distribution, and takes scores that are no mean over units,
such as F1. A Wilcoxon test over seeds x images would count each image once a seed, and five seeds alone can
never be below p = 0.06. The p values of a table are corrected for their number (Holm).

Networks differ by their seed too, which no exchange of units shows. So a difference counts as shown only
where p < 0.05 after correction, there are at least ``LEAST_SEEDS`` seeds and ``LEAST_UNITS`` units, and every
seed alone says the same; where one of these lacks, it is said which.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from terramamba.experiments.results import DONE, PUBLISHED, Record
from terramamba.scores.metrics import summarise
from terramamba.scores.sampling_units import Units, score_of

LEVEL, DRAWS, AT_ONCE = 0.95, 10_000, 500
LEAST_SEEDS, LEAST_UNITS = 3, 10
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """A model beside another on the same test units."""

    difference: float
    """Mean score of the first less that of the second."""
    p: float
    """Two-sided, not yet corrected."""
    seeds: int
    units: int
    agree: bool
    """Whether every seed alone has the sign of the mean."""


def together(of_seeds: Sequence[Units]) -> tuple[list[str], Int[np.ndarray, "s u k three"]]:
    """Counts of several seeds by the union of their units; a unit that a seed lacks has zeros there."""
    names = sorted({name for units in of_seeds for name in units.names})
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(of_seeds), len(names), *of_seeds[0].counts.shape[1:]), np.int64)
    for seed, units in enumerate(of_seeds):
        counts[seed, [place[name] for name in units.names]] = units.counts
    return names, counts


def interval(of_seeds: Sequence[Units], score: str, seed: int = 0) -> tuple[float, float] | None:
    """Percentile interval (95 %) of the mean score over seeds; None with a single unit."""
    names, counts = together(of_seeds)
    if len(names) < 2:
        return None
    random = np.random.default_rng(seed)
    share = np.full(len(names), 1 / len(names))
    values = []
    for start in range(0, DRAWS, AT_ONCE):
        times = random.multinomial(len(names), share, size=min(AT_ONCE, DRAWS - start))
        values.append(_mean_score(_weighted(times, counts), score))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def compare(first: Sequence[Units], second: Sequence[Units], score: str, seed: int = 0) -> Comparison | None:
    """The permutation test; the seeds of both stand in the same order.

    None where they were not tested on the same pixels of the same units, so that nothing can be paired.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs or any(
        a.names != b.names or not np.array_equal(a.counts[..., 0], b.counts[..., 0]) for a, b in pairs
    ):
        return None
    (names, one), (_, other) = together(first), together(second)
    each = score_of(one.sum(axis=1), score) - score_of(other.sum(axis=1), score)
    seen = float(each.mean())
    random = np.random.default_rng(seed)
    gap, extreme = other - one, 0
    for start in range(0, DRAWS, AT_ONCE):
        swapped = random.integers(0, 2, (min(AT_ONCE, DRAWS - start), len(names)))
        moved = _weighted(swapped, gap)
        chance = _mean_score(one.sum(axis=1) + moved, score) - _mean_score(other.sum(axis=1) - moved, score)
        extreme += int((np.abs(chance) >= abs(seen) - 1e-12).sum())
    agree = bool((np.sign(each) == np.sign(seen)).all())
    return Comparison(seen, (1 + extreme) / (1 + DRAWS), len(pairs), len(names), agree)


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number after Holm (1979), in their order."""
    order = np.argsort(values)
    corrected = [0.0] * len(values)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = least
    return corrected


def verdict(comparison: Comparison, p: float) -> str:
    """What may be said of a difference, ``p`` being corrected: ``ahead``, ``behind``, or why neither."""
    if comparison.units < LEAST_UNITS:
        return f"not shown: too few units ({comparison.units})"
    if p >= SIGNIFICANT:
        return "not shown"
    if comparison.seeds < LEAST_SEEDS:
        return f"not shown: {comparison.seeds} of {LEAST_SEEDS} seeds"
    if not comparison.agree:
        return "not shown: the seeds disagree"
    return "ahead" if comparison.difference > 0 else "behind"


def _weighted(
    times: Int[np.ndarray, "d u"], counts: Int[np.ndarray, "s u k three"]
) -> Float[np.ndarray, "d s k three"]:
    """Sums over units, each taken so many times; float64, in which sums below 2**53 pixels are exact."""
    by_unit = np.moveaxis(counts, 1, 0).reshape(counts.shape[1], -1)
    sums = times.astype(np.float64) @ by_unit.astype(np.float64)
    return sums.reshape(len(times), counts.shape[0], *counts.shape[2:])


def _mean_score(counts: Float[np.ndarray, "d s k three"], score: str) -> Float[np.ndarray, " d"]:
    return score_of(counts, score).mean(axis=-1)


class Contender:
    """The runs of one model, or of one of its variations, over the seeds; those not done are left out."""

    def __init__(self, planned: Sequence[Record]) -> None:
        self.first, self.planned = planned[0], len(planned)
        self.runs = [record for record in planned if record["status"] == DONE]

    @property
    def label(self) -> str:
        """Name of the model, with what was changed."""
        return self.first.label

    @property
    def is_baseline(self) -> bool:
        """Whether it is there to be beaten."""
        return self.first["baseline"] == "yes"

    @cached_property
    def units(self) -> dict[str, Units]:
        """Counts by unit of each seed's test."""
        return {record["seed"]: record.units for record in self.runs if record.units is not None}

    def values(self, column: str) -> list[float]:
        """A column of numbers, one a seed; not where a run has none."""
        found = (record.number(column) for record in self.runs)
        return [value for value in found if value is not None]

    def mean(self, column: str) -> float:
        """Mean over seeds; nan without any."""
        values = self.values(column)
        return summarise(values)[0] if values else math.nan

    def words(self, column: str) -> list[str]:
        """What a column says, each once."""
        return list(dict.fromkeys(record[column] for record in self.runs if record[column]))


def contenders_of(records: Sequence[Record]) -> list[Contender]:
    """The models and variations among runs on one set and split, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record["status"] != PUBLISHED:
            groups.setdefault(record.label, []).append(record)
    return [Contender(group) for group in groups.values()]


def best_baseline(contenders: Sequence[Contender], score: str) -> Contender | None:
    """The baseline with the highest mean on test, the hardest to beat."""
    reached = [one for one in contenders if one.is_baseline and one.values(f"test_{score}")]
    return max(reached, key=lambda one: one.mean(f"test_{score}"), default=None)


def compared(one: Contender, other: Contender, score: str) -> Comparison | None:
    """The paired test over the seeds that both have; None where nothing can be paired."""
    shared = [seed for seed in one.units if seed in other.units]
    return compare([one.units[s] for s in shared], [other.units[s] for s in shared], score)


def in_words(comparisons: Sequence[Comparison | None]) -> list[str]:
    """Difference, p corrected for all of them, and what may be concluded."""
    known = [one for one in comparisons if one is not None]
    corrected = iter(holm([one.p for one in known]))
    return [
        "other test pixels, not paired" if one is None else _said(one, next(corrected)) for one in comparisons
    ]


def _said(comparison: Comparison, p: float) -> str:
    said = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    return f"{100 * comparison.difference:+.2f}, {said}, {verdict(comparison, p)}"


def percent(values: Sequence[float]) -> str:
    """Mean and deviation (n - 1) of shares, in per cent; empty without a value."""
    if not values:
        return ""
    mean, deviation = summarise(values)
    return f"{100 * mean:.2f}" + ("" if math.isnan(deviation) else f" ± {100 * deviation:.2f}")
