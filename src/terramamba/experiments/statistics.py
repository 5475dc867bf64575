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
from jaxtyping import Int

from terramamba.experiments.results import DONE, PUBLISHED, Record
from terramamba.scores.bootstrap import DRAWS, bootstrap_interval, portions, weighted
from terramamba.scores.metrics import summarise
from terramamba.scores.sampling_units import Units
from terramamba.scores.score import Score

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
    score: Score


def merged_counts(of_seeds: Sequence[Units]) -> tuple[list[str], Int[np.ndarray, "s u k three"]]:
    """Merge the counts of several seeds by the union of their units; a unit that a seed lacks has zeros."""
    names = sorted({name for units in of_seeds for name in units.names})
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(of_seeds), len(names), *of_seeds[0].counts.shape[1:]), np.int64)
    for seed, units in enumerate(of_seeds):
        counts[seed, [place[name] for name in units.names]] = units.counts
    return names, counts


def interval(of_seeds: Sequence[Units], score: Score, seed: int = 0) -> tuple[float, float] | None:
    """Compute the percentile interval (95 %) of the mean score over seeds; None with a single unit."""
    names, counts = merged_counts(of_seeds)
    return bootstrap_interval(counts, score.of, seed=seed) if len(names) > 1 else None


def compare(
    first: Sequence[Units], second: Sequence[Units], score: Score, seed: int = 0
) -> Comparison | None:
    """Compute the permutation test; the seeds of both stand in the same order.

    None where they were not tested on the same pixels of the same units, so that nothing can be paired.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs or any(
        a.names != b.names or not np.array_equal(a.counts[..., 0], b.counts[..., 0]) for a, b in pairs
    ):
        return None
    (names, one), (_, other) = merged_counts(first), merged_counts(second)
    each = score.of(one.sum(axis=1)) - score.of(other.sum(axis=1))
    seen = float(each.mean())
    random = np.random.default_rng(seed)
    gap, extreme = other - one, 0
    for size in portions(DRAWS):
        moved = weighted(random.integers(0, 2, (size, len(names))), gap)
        chance = score.of(one.sum(axis=1) + moved).mean(-1) - score.of(other.sum(axis=1) - moved).mean(-1)
        extreme += int((np.abs(chance) >= abs(seen) - 1e-12).sum())
    agree = bool((np.sign(each) == np.sign(seen)).all())
    return Comparison(seen, (1 + extreme) / (1 + DRAWS), len(pairs), len(names), agree, score)


def holm(values: Sequence[float]) -> list[float]:
    """Correct p values for their number after Holm (1979), in their order."""
    order = np.argsort(values)
    corrected = [0.0] * len(values)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = least
    return corrected


def verdict(comparison: Comparison, p: float) -> str:
    """Say what follows from a difference with a corrected ``p``: ``ahead``, ``behind``, or why neither."""
    if comparison.units < LEAST_UNITS:
        return f"not shown: too few units ({comparison.units})"
    if p >= SIGNIFICANT:
        return "not shown"
    if comparison.seeds < LEAST_SEEDS:
        return f"not shown: {comparison.seeds} of {LEAST_SEEDS} seeds"
    if not comparison.agree:
        return "not shown: the seeds disagree"
    return "ahead" if comparison.score.goodness(comparison.difference) > 0 else "behind"


class RunGroup:
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
        """Return a column of numbers, one a seed; not where a run has none."""
        found = (record.number(column) for record in self.runs)
        return [value for value in found if value is not None]

    def mean(self, column: str) -> float:
        """Return the mean over seeds; nan without any."""
        values = self.values(column)
        return summarise(values)[0] if values else math.nan

    def words(self, column: str) -> list[str]:
        """Return what a column says, each once."""
        return list(dict.fromkeys(record[column] for record in self.runs if record[column]))


def run_groups_of(records: Sequence[Record]) -> list[RunGroup]:
    """Return the models and variations among runs on one set and split, in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record["status"] != PUBLISHED:
            groups.setdefault(record.label, []).append(record)
    return [RunGroup(group) for group in groups.values()]


def best_baseline(run_groups: Sequence[RunGroup], score: Score) -> RunGroup | None:
    """Return the baseline with the best mean on test, the hardest to beat."""
    reached = [one for one in run_groups if one.is_baseline and one.values(score.test_column)]
    return max(reached, key=lambda one: score.goodness(one.mean(score.test_column)), default=None)


def compared(one: RunGroup, other: RunGroup, score: Score) -> Comparison | None:
    """Compute the paired test over the seeds that both have; None where nothing can be paired."""
    shared = [seed for seed in one.units if seed in other.units]
    return compare([one.units[s] for s in shared], [other.units[s] for s in shared], score)


def in_words(comparisons: Sequence[Comparison | None]) -> list[str]:
    """Write the difference, p corrected for all of them, and what may be concluded."""
    known = [one for one in comparisons if one is not None]
    corrected = iter(holm([one.p for one in known]))
    return [
        "other test pixels, not paired" if one is None else _said(one, next(corrected)) for one in comparisons
    ]


def _said(comparison: Comparison, p: float) -> str:
    said = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    return f"{comparison.score.difference(comparison.difference)}, {said}, {verdict(comparison, p)}"


def mean_shown(score: Score, values: Sequence[float]) -> str:
    """Write mean and deviation (n - 1) of a score; empty without a value."""
    if not values:
        return ""
    mean, deviation = summarise(values)
    return score.shown({"mean": mean, "std": deviation})
