"""All runs of one model on one set and split, and what may be said of several beside each other."""

import math
from collections.abc import Sequence
from functools import cached_property

from terramamba.experiments.results import DONE, PUBLISHED, Record
from terramamba.experiments.statistics import Comparison, compare, holm, verdict
from terramamba.scores.metrics import summarise
from terramamba.scores.sampling_units import Units


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
