"""A map, and what lies beside it, as the page shows it: legend, areas, layers."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from terramamba.change.report_map import STRIP_PIXELS, change_layers
from terramamba.core.errors import InputError
from terramamba.landcover.report_map import NO_CLASS, land_cover_layers
from terramamba.mapping.area_table import AreaCount, ClassArea
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import strips
from terramamba.report.layers import Packed
from terramamba.runs.record import RunRecord

NO_DATA = {"classify": 0, "change": 255}
CHANGE_NAMES = {0: "unchanged", 1: "changed"}
CHANGE_COLOURS = {0: (70, 76, 84), 1: (0, 229, 255)}
"""Cyan is rare in pictures of the ground, in false colour too, and no colour-blind eye takes it for red."""

NO_COLOUR = (128, 128, 128)

LAYERS = {
    "values": "The map is",
    "probability": "Probabilities are",
    "left": "The picture on the left is",
    "right": "The picture on the right is",
    "spectra": "Spectra are",
}


@dataclass(frozen=True)
class MapFiles:
    """Files on one grid: a map, and what there is beside it."""

    land: str
    scene: str | None = None
    before: str | None = None
    after: str | None = None
    probabilities: str | None = None


@dataclass(frozen=True)
class ReportMap:
    """A map as the page needs it."""

    task: str
    path: str
    height: int
    width: int
    areas: Sequence[ClassArea]
    """Pixels and hectares of each class, counted at full resolution."""
    colours: Sequence[tuple[int, ...]]
    """Red, green and blue of each class."""
    nodata_pixels: int
    layers: Mapping[str, Any]
    tags: Mapping[str, str]
    """What the map's file says about its making."""
    threshold: float | None
    """Least probability that counted as changed."""
    georeference: Mapping[str, Any]
    notes: Sequence[str]
    """Sentences about what was thinned out."""

    @property
    def payload(self) -> dict[str, Any]:
        """What the page's script reads."""
        classes = [
            {"name": entry.name, "colour": colour}
            for entry, colour in zip(self.areas, self.colours, strict=True)
        ]
        return {
            "task": self.task,
            "height": self.height,
            "width": self.width,
            "classes": classes,
            **self.georeference,
            **self.layers,
        }


def read_map(run: RunRecord, files: MapFiles) -> ReportMap:
    """The map in ``files`` with the classes of ``run``.

    Raises:
        InputError: a file cannot be read, does not have the map's size, or has other values than the run.
    """
    land = open_scene(files.land)
    if land.bands != 1 or land.dtype not in ("uint8", "uint16"):
        raise InputError(
            f"{land.path}: {land.bands} x {land.dtype} is no map of classes; give the file that `terramamba"
            f" {run.task} map --out` wrote"
        )
    beside = _beside(run, land, files)
    names, colours = _legend(run)
    count = _count(run, land, names)
    tags = _tags(land)
    if run.task == "classify":
        layers = land_cover_layers(land, beside, list(names))
    else:
        layers = change_layers(land, beside)
    own = run.card.threshold
    threshold = tags.get("THRESHOLD", None if own is None else own.value)
    return ReportMap(
        task=run.task,
        path=land.path,
        height=land.height,
        width=land.width,
        areas=count[1:],
        colours=[colours[entry.value] for entry in count[1:]],
        nodata_pixels=count[0].pixels,
        layers=layers,
        tags=tags,
        threshold=None if threshold is None else float(threshold),
        georeference={
            "transform": None if land.transform is None else list(land.transform)[:6],
            "crs": None if land.crs is None else _short(land.crs.to_string()),
        },
        notes=_notes(land, layers),
    )


def _beside(run: RunRecord, land: Scene, files: MapFiles) -> dict[str, Scene]:
    fitting = {"classify": ("scene", "probabilities"), "change": ("before", "after", "probabilities")}[
        run.task
    ]
    found: dict[str, Scene] = {}
    for name in ("scene", "before", "after", "probabilities"):
        path = getattr(files, name)
        if path is None:
            continue
        if name not in fitting:
            raise InputError(
                f"--{name} {path}: {run.folder} is for {run.task}; beside its map go"
                f" {' and '.join(f'--{other}' for other in fitting)}"
            )
        opened = open_scene(path)
        if (opened.height, opened.width) != (land.height, land.width):
            raise InputError(
                f"{opened.path}: {opened.height} x {opened.width} pixels, but the map {land.path} has"
                f" {land.height} x {land.width}; give files that belong together"
            )
        found[name] = opened
    return found


def _legend(run: RunRecord) -> tuple[dict[int, str], dict[int, tuple[int, ...]]]:
    """Name and colour of each value in the map."""
    if run.task == "change":
        return CHANGE_NAMES, dict(CHANGE_COLOURS)
    classes = run.card.classes
    if len(classes) >= NO_CLASS:
        raise InputError(f"{run.folder}: {len(classes)} classes; the page shows maps of 1 to {NO_CLASS - 1}")
    colours: dict[int, tuple[int, ...]] = dict.fromkeys(classes.codes, NO_COLOUR)
    return classes.name_of_code, colours | classes.colour_of_code


def _count(run: RunRecord, land: Scene, names: Mapping[int, str]) -> Sequence[ClassArea]:
    """How much there is of each value, no data first."""
    empty = NO_DATA[run.task]
    count = AreaCount(land.grid, {empty: "no data", **names})
    for window in strips(land.height, land.width, max(1, STRIP_PIXELS // land.width)):
        values = land.read(window)[0][0]
        unknown = ~np.isin(values, [empty, *names])
        if unknown.any():
            raise InputError(
                f"{land.path}: holds {values[unknown][0]}, which is no class of {run.folder}; name the run"
                " that made the map first"
            )
        count.add(values, window)
    return count.classes()


def _tags(land: Scene) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(land.path) as file:
                return dict(file.tags())
        except RasterioError:  # a format that GDAL does not read has no tags either
            return {}


def _notes(land: Scene, layers: Mapping[str, Any]) -> list[str]:
    notes = []
    for name, words in LAYERS.items():
        if name not in layers:
            continue
        layer = layers[name]
        packed = vars(layer) if isinstance(layer, Packed) else layer
        height, width = packed["height"], packed["width"]
        if (height, width) != (land.height, land.width):
            notes.append(
                f"{words} shown at {height} x {width} pixels of {land.height} x {land.width}, to keep this"
                " page small; numbers are counted at full resolution."
            )
    return notes


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
