"""What was mapped of land cover, for people and programs."""

from dataclasses import dataclass
from pathlib import Path

from terramamba.core.display import in_percent, number
from terramamba.core.words import count
from terramamba.mapping.summary import CountedMap

NONE_OF_THESE = "none of these"
"""What pixels are called that are too unsure to be named."""


@dataclass(frozen=True)
class SmallPatches:
    """Patches smaller than ``least`` (m2 or pixels, as ``unit`` says) that took another class."""

    least: float
    unit: str
    patches: int
    pixels: int

    def in_words(self) -> str:
        """Say how many there were."""
        found = f"{number(self.patches)} of less than {self.least:g} {self.unit}"
        return f"{found} took the class of their largest neighbour: {number(self.pixels)} pixels"


@dataclass(frozen=True, kw_only=True)
class ClassSummary(CountedMap):
    """What was mapped of land cover."""

    tilings: int
    """0: each pixel was classified by its own patch."""
    agreement: float | None
    """Share of the run's validation pixels that so many tilings classify as exact mapping does."""
    fractions: Path | None = None
    polygons: tuple[Path, ...] = ()
    patches: int | None = None
    """Number of polygons; None where none were asked for."""
    certainty: Path | None = None
    regularised: str = ""
    """How far and how strongly probabilities were smoothed; empty: they were not."""
    rejected: str | None = None
    """What was left unnamed, in words; None: every pixel has the class with the highest probability."""
    small: SmallPatches | None = None
    """What became of small patches; None: they were left as they are."""

    @property
    def files(self) -> tuple[Path, ...]:
        """List all files that were asked for."""
        named = (
            self.out,
            self.probabilities,
            self.certainty,
            self.fractions,
            *self.polygons,
            self.areas_table,
            self.item,
        )
        return tuple(path for path in named if path is not None)

    def facts(self) -> dict[str, str]:
        """Say what else there is to be said of how the map was made."""
        mode = {"mode": self._mode()} if self.tilings else {}
        small = {} if self.small is None else {"small patches": self.small.in_words()}
        patches = {} if self.patches is None else {"patches": number(self.patches)}
        unnamed = {} if self.rejected is None else {NONE_OF_THESE: self.rejected}
        smooth = {"regularised": self.regularised} if self.regularised else {}
        return super().facts() | mode | smooth | unnamed | small | patches

    def _mode(self) -> str:
        words = f"fast, {count(self.tilings, 'tiling')}"
        if self.agreement is None:
            return f"{words}; this run has no record of how close that is to exact"
        return f"{words}: {in_percent(self.agreement)} % of the validation pixels come out as in exact mode"
