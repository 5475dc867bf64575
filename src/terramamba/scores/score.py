"""A score as a record: its name, how it is printed, which way is better, how it is made of counts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import numpy as np

from terramamba.scores.metrics import TRUTH

Unit = Literal["percent", "ratio", "nats"]
Source = Literal["pixels", "swapped", "pairs", "calibration"]
"""What a score is made of: the class counts of all test pixels, the same with the dates swapped, those of
each pair (pairs, classes, 3), or a ``Calibration``."""

SCALE: Mapping[Unit, int] = {"percent": 100, "ratio": 1, "nats": 1}
DIGITS: Mapping[Unit, int] = {"percent": 2, "ratio": 4, "nats": 4}
SIGN: Mapping[Unit, str] = {"percent": " %", "ratio": "", "nats": " nats"}


@dataclass(frozen=True)
class Score:
    """What everybody has to know of a score who makes it, writes it or shows it.

    Raises ``ValueError`` when it is ranked but is not made of pixels: tests exchange those between models.
    """

    key: str
    """Its name in the files of a run."""
    title: str
    of: Callable[[Any], Any]
    """The function that makes it of what ``source`` says; nan where it is not defined."""
    meaning: str
    """A sentence for the page of all scores."""
    short: str = ""
    """Heads a column where ``title`` is long."""
    unit: Unit = "percent"
    better: Literal["higher", "lower"] = "higher"
    source: Source = "pixels"
    within: str = ""
    """The table of ``metrics.json`` that holds it, inside the scores."""
    per_class: bool = False
    """Whether it is one of single classes: of each one of land cover, of "changed" where that is sought."""
    column: bool = True
    """Whether it has a column where runs or models stand beside each other."""
    ranked: bool = False
    """Whether models are compared by it, by a paired test."""
    interval: bool = False
    """Whether pairs are drawn anew for it: an interval in ``metrics.json``."""
    followed: bool = False
    """Whether it is followed over the epochs (history.csv), and said where there is little room."""

    def __post_init__(self) -> None:
        if self.ranked and self.source != "pixels":
            raise ValueError(f"{self.key}: a score that is ranked has to be made of pixels")

    @property
    def name(self) -> str:
        """Its name where tables are flat, as in the columns of results.csv."""
        return f"{self.within}_{self.key}" if self.within else self.key

    @property
    def test_column(self) -> str:
        """The column of results.csv with its value on test."""
        return f"test_{self.name}"

    @property
    def validation_column(self) -> str:
        """The column of results.csv with its value on validation."""
        return f"val_{self.name}"

    @property
    def label(self) -> str:
        """Its title in a table of values, which are per cent unless it says otherwise."""
        return self.title + self._unit

    @property
    def heading(self) -> str:
        """The same where a title must be short, as above one of many columns."""
        return (self.short or self.title) + self._unit

    @property
    def _unit(self) -> str:
        return "" if self.unit == "percent" else f" ({self.unit})"

    @property
    def extreme(self) -> str:
        """Which value is best, in a word."""
        return "highest" if self.better == "higher" else "lowest"

    def value_in(self, found: Mapping[str, Any]) -> Any:
        """Return its value in the scores of a run: a number, {"mean", "std"} over seeds, or None."""
        inner = (found.get(self.within) or {}) if self.within else found
        return inner.get(self.key)

    def goodness(self, value: float) -> float:
        """Return ``value`` turned so that more is better."""
        return value if self.better == "higher" else -value

    def shown(self, value: Any, *, coarse: bool = False, sign: bool = False) -> str:
        """Print ``value`` in the score's unit, with its deviation over seeds where there is one; "" for none.

        ``coarse``: with a digit less; ``sign``: with the sign of the unit behind it.
        """
        numbers = [value["mean"], value["std"]] if isinstance(value, Mapping) else [value]
        if numbers[0] is None or isnan(numbers[0]):
            return ""
        text = " ± ".join(self._number(one, DIGITS[self.unit] - coarse) for one in numbers if not isnan(one))
        return text + (SIGN[self.unit] if sign else "")

    def difference(self, value: float) -> str:
        """Print ``value``, by which two runs differ, with its sign."""
        return f"{SCALE[self.unit] * value:+.{DIGITS[self.unit]}f}"

    def _number(self, value: float, digits: int) -> str:
        return f"{SCALE[self.unit] * value:.{digits}f}"


Scores = tuple[Score, ...]
"""The scores of a job, in the order in which they are shown; the first one decides."""


def tested(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scores of ``test`` in what training or scoring found; empty where nothing was tested."""
    found: Mapping[str, Any] = result.get("test") or {}
    return {} if isinstance(found, Mapping) and found.get("pairs") == 0 else found


def by_name(scores: Iterable[Score]) -> Mapping[str, Score]:
    """Return the scores by their names where tables are flat, such as ``worst_class_recall``."""
    return {score.name: score for score in scores}


def columns(scores: Iterable[Score]) -> Scores:
    """Choose the scores that have a column where runs or models stand beside each other."""
    return tuple(score for score in scores if score.column)


def per_class(scores: Iterable[Score]) -> Scores:
    """Choose the scores of single classes."""
    return tuple(score for score in scores if score.per_class)


def of_set(scores: Iterable[Score]) -> Scores:
    """Choose the scores that have one value for a whole set, and are no measure of its probabilities."""
    return tuple(score for score in scores if score.source != "calibration" and score.within != "per_class")


def followed(scores: Iterable[Score]) -> Scores:
    """Choose the scores that are followed over the epochs."""
    return tuple(score for score in scores if score.followed)


def evaluated(scores: Iterable[Score], made_of: Mapping[Source, Any]) -> dict[str, Any]:
    """Return the values of the ``scores`` whose source is known, as ``metrics.json`` holds them.

    Those of single classes are lists, one value a class, where their function gives as many. What is not
    defined is None.

    Raises ``ValueError`` when pixels are a source and there are none.
    """
    if "pixels" in made_of and not made_of["pixels"][..., TRUTH].any():
        raise ValueError("there is no pixel to score")
    found: dict[str, Any] = {}
    for score in scores:
        if score.source in made_of:
            value = np.asarray(score.of(made_of[score.source]), np.float64).tolist()
            place = found.setdefault(score.within, {}) if score.within else found
            place[score.key] = None if value != value else value
    return found
