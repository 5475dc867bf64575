"""What a map came to, for people and programs: each job's summary is one of these with what it counts."""

from dataclasses import dataclass
from pathlib import Path

from terramamba.core.display import Shown, Table, in_percent, number
from terramamba.mapping.area_table import ClassArea
from terramamba.mapping.notebook_view import PicturedMap


@dataclass(frozen=True, kw_only=True)
class MapSummary:
    """A map, or a shard of the work for one."""

    out: Path
    seconds: float
    missing_parts: int | None = None
    """After one shard of the work: how many parts are yet to be mapped; nothing has been written then."""
    join: str = ""
    """After one shard of the work: the command that writes the map when all is mapped."""
    notes: tuple[str, ...] = ()
    """What was said of the images before they were mapped."""

    def shown(self) -> Shown:
        """Return what a terminal shows of a map that was written."""
        return Shown((), self.noted() | {"written": str(self.out)})

    def noted(self) -> dict[str, str]:
        """Say what was noted."""
        return {"notes": "\n".join(self.notes)} if self.notes else {}


@dataclass(frozen=True, kw_only=True)
class CountedMap(PicturedMap, MapSummary):
    """A map whose pixels were counted by class.

    ``not_finite_pixels`` have data that is NaN or infinite, at either date of a pair, or for which the model
    gives no number; they count as nodata too.
    """

    probabilities: Path | None
    areas_table: Path | None
    item: Path | None = None
    pixels: int
    nodata_pixels: int
    not_finite_pixels: int
    classes: tuple[ClassArea, ...]
    not_measured: str | None = None
    """Why areas are in pixels alone; None: they are known in hectares."""
    temperature: float | None
    """By which logits were divided; None: probabilities are those of the model as it is."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were asked for."""
        named = (self.out, self.probabilities, self.areas_table, self.item)
        return tuple(path for path in named if path is not None)

    def shown(self) -> Shown:
        """Say how much of the map is what, and which files were written."""
        mapped = max(1, self.pixels - self.nodata_pixels)
        rows = tuple(
            (
                entry.name,
                number(entry.pixels),
                in_percent(entry.pixels / mapped),
                *(() if self.not_measured else (_hectares(entry),)),
            )
            for entry in self.classes
        )
        facts = {"no data": f"{number(self.nodata_pixels)} of {number(self.pixels)} pixels"}
        if self.not_measured:
            facts["areas"] = f"in pixels: {self.not_measured}"
        if self.not_finite_pixels:
            facts["of these"] = f"{number(self.not_finite_pixels)} with NaN or infinity"
        written = {"written": "\n".join(map(str, self.files))}
        columns = ("class", "pixels", "%", *(() if self.not_measured else ("hectares",)))
        table = Table("mapped", columns, rows)
        return Shown((table,), facts | self.facts() | self.noted() | written)

    def facts(self) -> dict[str, str]:
        """Say what else there is to be said of how the map was made."""
        return {} if self.temperature is None else {"calibrated": self.calibrated}

    @property
    def calibrated(self) -> str:
        """What was done to the logits, where there is a temperature."""
        return f"logits divided by temperature {number(self.temperature)}"


def _hectares(entry: ClassArea) -> str:
    return "" if entry.hectares is None else f"{entry.hectares:,.2f}"
