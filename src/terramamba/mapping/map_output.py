"""What a job's map is: how its part files become outputs, and how that is kept for who joins them later."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from terramamba.core.typed import of_kind
from terramamba.mapping.grid_json import grid_of, grid_record
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.stac_item import WrittenFile, write_item
from terramamba.mapping.summary import MapSummary
from terramamba.raster.geogrid import Grid
from terramamba.raster.windows import Window


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the ``result`` of drafting, or None where parts are ``missing`` that others map."""

    result: dict[str, Any] | None
    missing: int
    parts: int


class MapOutput(ABC):
    """How part files become the outputs of a map.

    A job's own is a frozen dataclass of numbers, texts, grids, windows and tuples of these, so that JSON can
    hold it.
    """

    kind: ClassVar[str]
    """Name of the job."""

    @property
    @abstractmethod
    def named(self) -> Sequence[tuple[str, str | None]]:
        """List every file that may be asked for with its flag, the map first; None: it was not."""

    @property
    def targets(self) -> Sequence[Path]:
        """List the files to write."""
        return [Path(path) for _, path in self.named if path is not None]

    @property
    def flags(self) -> Sequence[str]:
        """List the flag that named each of the targets."""
        return [flag for flag, path in self.named if path is not None]

    @property
    @abstractmethod
    def sizes(self) -> Sequence[int]:
        """Count the pixels of each part of the map."""

    @abstractmethod
    def draft(
        self, files: PartFiles, drafts: Sequence[Path], advance: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write a draft for each target; return what a summary says beyond them, as JSON can hold it."""

    def draft_item(self, drafts: Sequence[Path], days: Sequence[str | None]) -> None:
        """Write the STAC item of all other files, which are drafted, where one is asked for."""
        *files, last = map(WrittenFile, self.flags, self.targets, drafts)
        if last.flag == "--item":
            write_item(last.draft, last.target, files, days)

    def summary(self, outcome: Outcome, seconds: float) -> MapSummary:
        """Sum up what a run came to, for people and programs."""
        missing = None if outcome.result is not None else outcome.missing
        return MapSummary(out=self.targets[0], seconds=seconds, missing_parts=missing)

    def record(self) -> dict[str, Any]:
        """Return the output as JSON can hold it: its ``kind`` and, under ``output``, what makes it again."""
        return {"kind": self.kind, "output": {name: _written(value) for name, value in vars(self).items()}}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "MapOutput":
        """Return the output that ``record`` wrote down under ``output``."""
        hints = get_type_hints(cls)
        return cls(**{name: _read(hints[name], value) for name, value in record.items()})


def _written(value: Any) -> Any:
    if isinstance(value, Grid):
        return grid_record(value)
    if isinstance(value, Window):
        return list(astuple(value))
    return [_written(entry) for entry in value] if isinstance(value, tuple) else value


def _read(hint: Any, value: Any) -> Any:
    if hint is Grid:
        return grid_of(value)
    if hint is Window:
        return Window(*value)
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        kinds = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        return tuple(_read(kind, entry) for kind, entry in zip(kinds, value, strict=True))
    return of_kind(hint, value)
