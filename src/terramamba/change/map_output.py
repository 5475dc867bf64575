"""From the tiles of a change map to its files: blended, cut at the threshold, counted, traced."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.change.map_worker import Tiles, unpacked
from terramamba.core.display import number
from terramamba.mapping.area_table import AreaCount, ClassArea, write_areas
from terramamba.mapping.blend import MappedWindow, blend
from terramamba.mapping.certainty_layer import GREY, certainty_writer, rejected_words
from terramamba.mapping.map_output import MapOutput, Outcome
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.probability import NO_PROBABILITY, PROBABILITY_SCALE, stored_probability
from terramamba.mapping.summary import CountedMap
from terramamba.mapping.tags import file_tags
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.output.styles import class_style, ramp_style
from terramamba.raster.pixel_area import why_not_measured
from terramamba.raster.vector.change_polygons import change_layer, trace_changes
from terramamba.raster.vector.polygon_files import write_drafts
from terramamba.scores.calibration import calibrated_probability
from terramamba.scores.certainty import called_certainty
from terramamba.scores.thresholds import changed

NODATA = 255
NOT_SURE = 2
NAMES = {0: "unchanged", 1: "changed", NOT_SURE: "not sure"}
COLOURS = {0: (225, 225, 225), 1: (215, 25, 28), NOT_SURE: GREY}
CERTAINTY = "calibrated probability of what the map says: stored value / 254; 255: no data"


@dataclass(frozen=True, kw_only=True)
class ChangeSummary(CountedMap):
    """What was mapped of change.

    ``areas`` is the number of polygons of at least ``least_area`` square metres, or pixels where these have
    no size; None where none were asked for.
    """

    polygons: tuple[Path, ...]
    threshold: float
    areas: int | None
    least_area: float = 0.0
    certainty: Path | None = None
    rejected: str | None = None
    """What was left unnamed, in words; None: every pixel is changed or unchanged."""

    @property
    def files(self) -> tuple[Path, ...]:
        """List all files that were asked for."""
        named = (self.out, self.probabilities, self.certainty, *self.polygons, self.areas_table, self.item)
        return tuple(path for path in named if path is not None)

    def facts(self) -> dict[str, str]:
        """Say what else there is to be said of how the map was made."""
        unit = "square metres" if self.not_measured is None else "pixels"
        of_size = f", of {number(self.least_area)} {unit} or more (--min-area)" if self.least_area else ""
        facts = {} if self.areas is None else {"changed areas": f"{number(self.areas)}{of_size}"}
        if self.rejected is not None:
            facts[NAMES[NOT_SURE]] = self.rejected
        if self.temperature is not None:
            least = number(self.threshold)
            facts["calibrated"] = f"{self.calibrated}; changed is what has a probability of {least} or more"
        return facts


@dataclass(frozen=True, eq=False)
class ChangeMapOutput(MapOutput):
    """How the tiles of ``batches``, with their ``overlap``, become a map of what is above ``threshold``.

    ``areas`` is a table of them; ``polygon_options`` are those of ``trace_changes``, ``days`` (ISO) those of
    the two dates. Certainty is of probabilities at a temperature of ``yet_to_calibrate``; what has less of it
    than ``least``, which the fraction ``reject`` of the validation pixels did not reach, is neither.
    """

    kind = "change"

    out: str
    probabilities: str | None
    certainty: str | None
    polygons: tuple[str, ...]
    areas: str | None
    grid: Grid
    batches: tuple[Tiles, ...]
    overlap: int
    threshold: float
    polygon_options: Mapping[str, Any]
    days: tuple[str | None, str | None]
    tags: Mapping[str, str]
    temperature: float | None = None
    yet_to_calibrate: float = 1.0
    reject: float | None = None
    least: float | None = None
    item: str | None = None

    @property
    def names(self) -> dict[int, str]:
        """Name every value of the map but no data."""
        return {value: name for value, name in NAMES.items() if value != NOT_SURE or self.reject is not None}

    @property
    def named(self) -> Sequence[tuple[str, str | None]]:
        """List map, probabilities, certainty, polygons, table of areas and item, each with its flag."""
        return (
            ("--out", self.out),
            ("--probabilities", self.probabilities),
            ("--certainty", self.certainty),
            *(("--polygons", path) for path in self.polygons),
            ("--areas", self.areas),
            ("--item", self.item),
        )

    @property
    def sizes(self) -> Sequence[int]:
        """Count the pixels of each batch of tiles, taking every pixel of the pair once."""
        tiles_before = np.cumsum([0, *(len(batch) for batch in self.batches)])
        return np.diff(self.grid.window.pixels * tiles_before // tiles_before[-1]).tolist()

    def draft(
        self, files: PartFiles, drafts: Sequence[Path], advance: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write the files, row by row, and the polygons at the end."""
        count, not_finite, areas = AreaCount(self.grid, self.names), 0, None
        of_target = dict(zip(map(str, self.targets), drafts, strict=True))
        map_draft = drafts[0]
        # Polygons need the probabilities; where nobody else does, they go with the map's hidden folder.
        probability_draft = (
            map_draft.with_name("probability.tif") if self.probabilities is None else drafts[1]
        )
        with ExitStack() as open_files:
            map_file = open_files.enter_context(_map_writer(map_draft, self.tags, self.grid, self.names))
            probability_files = []
            if self.probabilities is not None or self.polygons:
                writer = _probability_writer(probability_draft, self.tags, self.grid)
                probability_files.append(open_files.enter_context(writer))
            sure_file = None
            if self.certainty is not None:
                draft = of_target[str(Path(self.certainty))]
                sure_file = open_files.enter_context(
                    certainty_writer(draft, self.grid, file_tags(self.tags, CERTAINTY))
                )
            for rows in blend(self._tiles(files), self.grid.height, self.grid.width, self.overlap):
                marked = changed(rows.probability, self.threshold)
                land = np.where(rows.usable, marked, NODATA).astype(np.uint8)
                if sure_file is not None or self.least is not None:
                    likely = calibrated_probability(rows.probability, self.yet_to_calibrate)
                    sure = called_certainty(likely, marked)
                    if self.least is not None:
                        land[rows.usable & (sure < self.least)] = NOT_SURE
                    if sure_file is not None:
                        sure_file.write(stored_probability(sure, rows.usable)[None], rows.window)
                map_file.write(land[None], rows.window)
                for file in probability_files:
                    file.write(stored_probability(rows.probability, rows.usable)[None], rows.window)
                count.add(land, rows.window)
                not_finite += int(np.count_nonzero(rows.not_finite))
                advance(rows.window.pixels)
        if self.polygons:
            traced = trace_changes(map_draft, probability_draft, **self.polygon_options)
            layer = change_layer(*(None if day is None else date.fromisoformat(day) for day in self.days))
            areas = write_drafts(traced, {t: of_target[str(Path(t))] for t in self.polygons}, layer)
        classes = count.classes()
        if self.areas is not None:
            table = of_target[str(Path(self.areas))]
            write_areas(table, classes, not_measured=why_not_measured(self.grid))
        self.draft_item(drafts, self.days)
        return {
            "classes": [asdict(entry) for entry in classes],
            "not_finite": not_finite,
            "areas": areas,
        }

    def summary(self, outcome: Outcome, seconds: float) -> ChangeSummary:
        """Sum up what a run came to, for people and programs."""
        result = outcome.result
        classes = tuple(ClassArea(**entry) for entry in result["classes"]) if result else ()
        pixels = self.grid.window.pixels
        return ChangeSummary(
            out=Path(self.out),
            probabilities=None if self.probabilities is None else Path(self.probabilities),
            certainty=None if self.certainty is None else Path(self.certainty),
            rejected=rejected_words(self.reject, self.least),
            polygons=tuple(map(Path, self.polygons)),
            areas_table=None if self.areas is None else Path(self.areas),
            item=None if self.item is None else Path(self.item),
            pixels=pixels,
            not_measured=why_not_measured(self.grid),
            nodata_pixels=pixels - sum(entry.pixels for entry in classes),
            not_finite_pixels=result["not_finite"] if result else 0,
            classes=classes,
            threshold=self.threshold,
            areas=result["areas"] if result else None,
            least_area=float(self.polygon_options.get("min_area", 0.0)),
            seconds=seconds,
            temperature=self.temperature,
            missing_parts=None if result else outcome.missing,
        )

    def _tiles(self, files: PartFiles) -> Iterator[MappedWindow]:
        for part, windows in enumerate(self.batches):
            yield from unpacked(windows, files.read(part))


def _map_writer(path: Path, tags: Mapping[str, str], grid: Grid, names: Mapping[int, str]) -> RasterWriter:
    return RasterWriter(
        path,
        grid,
        bands=1,
        dtype="uint8",
        nodata=NODATA,
        colours={value: COLOURS[value] for value in names},
        class_names=names,
        band_names=["change"],
        tags=file_tags(tags, "change between two dates"),
        style=class_style(names, COLOURS),
    )


def _probability_writer(path: Path, tags: Mapping[str, str], grid: Grid) -> RasterWriter:
    return RasterWriter(
        path,
        grid,
        bands=1,
        dtype="uint8",
        nodata=NO_PROBABILITY,
        band_names=["probability of change"],
        scale=PROBABILITY_SCALE,
        tags=file_tags(tags, "probability of change: stored value / 254; 255: no data"),
        style=ramp_style(),
    )
