"""From the classes of a map's windows to its files: written, counted, tabled."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from terramamba.data.labels.class_table import ClassTable
from terramamba.data.labels.palette import default_colours
from terramamba.landcover.map_summary import NONE_OF_THESE, ClassSummary, SmallPatches
from terramamba.landcover.map_worker import code_type, no_data_code, reject_code
from terramamba.mapping.area_table import AreaCount, ClassArea, write_areas
from terramamba.mapping.certainty_layer import GREY, certainty_writer, rejected_words
from terramamba.mapping.map_output import MapOutput, Outcome
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.probability import NO_PROBABILITY, PROBABILITY_SCALE, PROBABILITY_STEPS
from terramamba.mapping.tags import file_tags
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter
from terramamba.raster.output.styles import class_style, ramp_style
from terramamba.raster.pixel_area import PixelArea, why_not_measured
from terramamba.raster.vector.class_polygons import class_layer, trace_classes
from terramamba.raster.vector.pieces import reading
from terramamba.raster.vector.polygon_files import write_drafts
from terramamba.raster.vector.sieve import make_sieve
from terramamba.raster.windows import Window

CERTAINTY = "calibrated probability of the class in the map: stored value / 254; 255: no data"


@dataclass(frozen=True, eq=False)
class ClassMapOutput(MapOutput):
    """How the part files of ``windows`` become a map, and what is asked for beside it.

    ``areas`` is a table of them; patches smaller than ``min_area`` take their largest neighbour's class;
    ``simplify`` is an option of ``trace_classes``. What has less certainty than ``least``, which the fraction
    ``reject`` of the validation pixels did not reach, is none of the classes; ``materials`` are the codes of
    the classes that add up to each band of ``fractions``; ``day`` (ISO) is that of the scene.
    """

    kind = "classify"

    out: str
    probabilities: str | None
    certainty: str | None
    fractions: str | None
    polygons: tuple[str, ...]
    areas: str | None
    grid: Grid
    windows: tuple[Window, ...]
    classes: ClassTable
    tags: Mapping[str, str]
    tilings: int
    agreement: float | None
    temperature: float | None = None
    min_area: float = 0.0
    simplify: float = 0.0
    reject: float | None = None
    least: float | None = None
    materials: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    regularised: str = ""
    item: str | None = None
    day: str | None = None

    @property
    def named(self) -> Sequence[tuple[str, str | None]]:
        """List map, probabilities, certainty, fractions, polygons, areas and item, each with its flag."""
        return (
            ("--out", self.out),
            ("--probabilities", self.probabilities),
            ("--certainty", self.certainty),
            ("--fractions", self.fractions),
            *(("--polygons", path) for path in self.polygons),
            ("--areas", self.areas),
            ("--item", self.item),
        )

    @property
    def sizes(self) -> Sequence[int]:
        """Count the pixels of each window."""
        return [window.pixels for window in self.windows]

    @property
    def names(self) -> dict[int, str]:
        """Name every value of the map."""
        return {no_data_code(self.classes.codes): "no data"} | self._named

    @property
    def _known(self) -> set[int]:
        """The codes of classes and of no data."""
        return {no_data_code(self.classes.codes), *self.classes.codes}

    @property
    def _named(self) -> dict[int, str]:
        """Name what pixels with data are called."""
        unnamed = {} if self.reject is None else {reject_code(self.classes.codes): NONE_OF_THESE}
        return self.classes.name_of_code | unnamed

    def draft(
        self, files: PartFiles, drafts: Sequence[Path], advance: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write the files, window by window; the map once more where small patches are to go."""
        counted, not_finite = AreaCount(self.grid, self.names), 0
        of_target = dict(zip(map(str, self.targets), drafts, strict=True))
        # In the map's hidden folder, which goes when the map has its name.
        first = drafts[0].with_name("all-patches.tif") if self.min_area else drafts[0]
        with ExitStack() as open_files:
            classes_file = open_files.enter_context(self._class_writer(first))
            beside = [
                (open_files.enter_context(writer(of_target[str(Path(path))])), kept, values_of)
                for path, writer, kept, values_of in (
                    (self.probabilities, self._probability_writer, "probability", _as_stored),
                    (self.fractions, self._fraction_writer, "probability", self._fractions),
                    (self.certainty, self._certainty_writer, "certainty", _as_stored),
                )
                if path is not None
            ]
            for part, window in enumerate(self.windows):
                arrays = files.read(part)
                classes_file.write(arrays["classes"][None], window)
                for writer, kept, values_of in beside:
                    writer.write(values_of(arrays[kept]), window)
                if not self.min_area:
                    counted.add(arrays["classes"], window)
                not_finite += int(arrays["not_finite"])
                advance(window.pixels)
        small = self._without_small(first, drafts[0], counted) if self.min_area else None
        patches = None
        if self.polygons:
            traced = trace_classes(drafts[0], self._named, simplify=self.simplify)
            layer = class_layer(self._named)
            patches = write_drafts(traced, {t: of_target[str(Path(t))] for t in self.polygons}, layer)
        classes = counted.classes()
        if self.areas is not None:
            table = of_target[str(Path(self.areas))]
            write_areas(table, classes[1:], not_measured=why_not_measured(self.grid))
        self.draft_item(drafts, [self.day])
        return {
            "classes": [asdict(entry) for entry in classes],
            "not_finite": not_finite,
            "patches": patches,
            "small": None if small is None else asdict(small),
        }

    def _without_small(self, first: Path, draft: Path, counted: AreaCount) -> SmallPatches:
        """Write the map ``first`` into ``draft`` without its small patches, and count it."""
        measure = PixelArea.of(self.grid)
        with reading(first) as file, self._class_writer(draft) as writer:
            sieve = make_sieve(file, self._named, self.min_area, measure)
            for window, values in sieve.strips(file):
                writer.write(values[None], window)
                counted.add(values, window)
        return SmallPatches(self.min_area, "pixels" if measure is None else "m2", sieve.patches, sieve.pixels)

    def summary(self, outcome: Outcome, seconds: float) -> ClassSummary:
        """Sum up what a run came to, for people and programs."""
        result = outcome.result
        areas = [ClassArea(**entry) for entry in result["classes"]] if result else []
        return ClassSummary(
            out=Path(self.out),
            probabilities=None if self.probabilities is None else Path(self.probabilities),
            certainty=None if self.certainty is None else Path(self.certainty),
            regularised=self.regularised,
            rejected=rejected_words(self.reject, self.least),
            fractions=None if self.fractions is None else Path(self.fractions),
            polygons=tuple(map(Path, self.polygons)),
            areas_table=None if self.areas is None else Path(self.areas),
            item=None if self.item is None else Path(self.item),
            pixels=self.grid.window.pixels,
            not_measured=why_not_measured(self.grid),
            nodata_pixels=areas[0].pixels if areas else 0,
            not_finite_pixels=result["not_finite"] if result else 0,
            classes=tuple(areas[1:]),
            seconds=seconds,
            tilings=self.tilings,
            agreement=self.agreement,
            temperature=self.temperature,
            patches=result["patches"] if result else None,
            small=SmallPatches(**result["small"]) if result and result["small"] else None,
            missing_parts=None if result else outcome.missing,
        )

    def _class_writer(self, draft: Path) -> RasterWriter:
        names, empty = self.names, no_data_code(self.classes.codes)
        colours = self.classes.colour_of_code | dict.fromkeys(names.keys() - self._known, GREY)
        shown = dict(zip(names, default_colours(len(names)), strict=True)) | colours
        return RasterWriter(
            draft,
            self.grid,
            bands=1,
            dtype=code_type(names).name,
            nodata=empty,
            colours=colours,
            class_names=names,
            band_names=["class"],
            tags=file_tags(self.tags, "land-cover classes"),
            style=class_style(self._named, shown),
        )

    def _probability_writer(self, draft: Path) -> RasterWriter:
        return RasterWriter(
            draft,
            self.grid,
            bands=len(self.classes),
            dtype="uint8",
            nodata=NO_PROBABILITY,
            band_names=self.classes.names,
            scale=PROBABILITY_SCALE,
            tags=file_tags(self.tags, "probability of each class: stored value / 254; 255: no data"),
            style=ramp_style(),
        )

    def _certainty_writer(self, draft: Path) -> RasterWriter:
        return certainty_writer(draft, self.grid, file_tags(self.tags, CERTAINTY))

    def _fraction_writer(self, draft: Path) -> RasterWriter:
        return RasterWriter(
            draft,
            self.grid,
            bands=len(self.materials),
            dtype="uint8",
            nodata=NO_PROBABILITY,
            band_names=tuple(self.materials),
            scale=PROBABILITY_SCALE,
            tags=file_tags(self.tags, "fraction of the pixel: stored value / 254; 255: no data"),
            style=ramp_style(),
        )

    def _fractions(self, stored: UInt8[np.ndarray, "k h w"]) -> UInt8[np.ndarray, "m h w"]:
        """Add the probabilities of each material's classes up, as they are stored."""
        targets = self.classes.target_of_code
        groups = [[targets[code] for code in codes] for codes in self.materials.values()]
        sums = np.stack([stored[group].astype(np.uint16).sum(axis=0) for group in groups])
        return np.where(stored[0] == NO_PROBABILITY, NO_PROBABILITY, sums.clip(max=PROBABILITY_STEPS)).astype(
            np.uint8
        )


def _as_stored(values: UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    return values
