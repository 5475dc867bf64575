"""What training and scoring come to, typed, and as tables for notebooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from terramamba.api.raw_record import RawRecord
from terramamba.core.run_files import CARD, CONFUSION, SEED_FOLDERS
from terramamba.raster.notebook_pictures import table_html
from terramamba.runs.model_card import read_card
from terramamba.runs.record import confusion_table
from terramamba.scores.score import Score, Scores, of_set, per_class, tested
from terramamba.tasks import task_named

if TYPE_CHECKING:
    import pandas

SUBSETS = ("validation", "test")


@dataclass(frozen=True)
class Spread:
    """A score over several seeds: its mean and standard deviation (n - 1)."""

    mean: float
    std: float


Value = float | Spread
"""A score of one run, or of a run with several seeds."""


@dataclass(frozen=True)
class ClassScores:
    """How well one class is told from others; None: not defined, as recall is without pixels of the class."""

    name: str
    pixels: Value
    """Of the truth."""
    scores: Mapping[str, Value | None]


class Result(RawRecord):
    """What training or scoring came to: of a run, or of several seeds, whose scores are then ``Spread``.

    It is also the mapping that ``metrics.json`` holds, ``raw``: ``result["test"]["oa"]`` is
    ``result.scores["test"]["oa"]``. Keys of scores are those of docs/scores.md.
    """

    @property
    def protocol(self) -> str:
        """How samples were split, in short."""
        return str(self.raw["protocol"])

    @cached_property
    def scores(self) -> Mapping[str, Mapping[str, Value]]:
        """Scores by subset (``test``, and ``validation`` after training) and key; those that are defined."""
        return {subset: self._scores_of(subset) for subset in self._scored}

    @property
    def _scored(self) -> list[str]:
        """The subsets that have scores."""
        return [name for name in SUBSETS if (tested(self.raw) if name == "test" else name in self.raw)]

    @cached_property
    def per_class(self) -> Mapping[str, tuple[ClassScores, ...]]:
        """Scores of single classes by subset; empty for change, whose scores are those of "changed"."""
        wanted = [score.key for score in per_class(self._table) if score.within]
        return {
            subset: tuple(
                ClassScores(
                    entry["name"], _value(entry["pixels"]) or 0.0, {key: _value(entry[key]) for key in wanted}
                )
                for entry in self.raw[subset]["per_class"]
            )
            for subset in SUBSETS
            if "per_class" in self.raw.get(subset, {})
        }

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Of the rows and columns of ``confusion``."""
        if "test" in self.per_class:
            return tuple(entry.name for entry in self.per_class["test"])
        cards = [self.folder, *sorted(self.folder.glob(SEED_FOLDERS))]
        return read_card(next(place for place in cards if (place / CARD).is_file())).data.classes.names

    @cached_property
    def confusion(self) -> Int64[np.ndarray, "k k"] | None:
        """Test pixels: a row for each class of the truth, a column for each predicted; None over seeds."""
        found = self.raw.get("confusion", tested(self.raw).get("confusion"))
        if found is None and (path := self.folder / CONFUSION).is_file():
            found = confusion_table(path)[1]
        if found is None or "seeds" in self.raw:
            return None
        return np.array(found, np.int64)

    def to_pandas(self) -> "pandas.DataFrame":
        """Make a data frame: a row for each class, where there are none for each score; columns by subset.

        Means over seeds stand beside their deviation, in columns that end in ``_std``.
        """
        import pandas

        rows: dict[str, dict[str, float | None]] = {}
        for subset, classes in self.per_class.items():
            for entry in classes:
                values = {"pixels": entry.pixels, **entry.scores}
                for key, value in values.items():
                    rows.setdefault(entry.name, {}).update(_columns(f"{subset}_{key}", value))
        if not rows:
            for subset, scores in self.scores.items():
                for key, value in scores.items():
                    rows.setdefault(key, {}).update(_columns(subset, value))
        return pandas.DataFrame.from_dict(rows, orient="index")

    def _repr_html_(self) -> str:
        shown = [score for score in of_set(self._table) if self._shown(score)]
        rows: list[Sequence[str]] = [(score.label, *self._shown(score)) for score in shown]
        head = ("score, %", *self.scores)
        facts = [("run", self.folder), ("protocol", self.protocol), *(("note", note) for note in self.notes)]
        tables = table_html(facts) + table_html(rows, head)
        single = [score for score in per_class(self._table) if score.within]
        for subset in self.per_class:
            lines = [
                (entry["name"], *(score.shown(entry[score.key]) for score in single))
                for entry in self.raw[subset]["per_class"]
            ]
            tables += table_html(lines, (f"class, {subset}, %", *(score.heading for score in single)))
        return tables

    def _shown(self, score: Score) -> list[str]:
        found = [score.value_in(self.raw[subset]) for subset in self.scores]
        return [score.shown(value) for value in found] if any(value is not None for value in found) else []

    @property
    def _table(self) -> Scores:
        return task_named(self.task).scores

    def _scores_of(self, subset: str) -> dict[str, Value]:
        chosen = [score for score in self._table if score.within != "per_class"]
        found = {score.name: _value(score.value_in(self.raw[subset])) for score in chosen}
        return {name: value for name, value in found.items() if value is not None}


class TrainResult(Result):
    """What training came to: ``Result``."""


class EvaluationResult(Result):
    """What scoring came to: ``Result``."""


def _value(found: Any) -> Value | None:
    if isinstance(found, Mapping):
        return Spread(found["mean"], found["std"])
    return None if found is None or found != found else float(found)


def _columns(name: str, value: Value | None) -> dict[str, float | None]:
    if isinstance(value, Spread):
        return {name: value.mean, f"{name}_std": value.std}
    return {name: value}
