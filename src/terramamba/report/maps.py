"""A map, and what lies beside it, as the page shows it: legend, areas, layers."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from terramamba.core.errors import InputError
from terramamba.mapping.area_table import AreaCount, ClassArea
from terramamba.mapping.certainty_layer import GREY, rejected_in
from terramamba.mapping.tags import MODEL_TAG
from terramamba.models.registry import model_spec
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.views.palette_colours import in_colours
from terramamba.raster.windows import strips
from terramamba.report.layers import STRIP_PIXELS
from terramamba.report.location import place_of
from terramamba.report.map_layers import packed_layers
from terramamba.report.overlays import Overlay
from terramamba.report.task import ReportTask, ShownMap
from terramamba.runs.record import RunRecord


@dataclass(frozen=True)
class MapFiles:
    """Files on one grid: a map, and what there is beside it."""

    land: str
    scene: str | None = None
    before: str | None = None
    after: str | None = None
    probabilities: str | None = None
    certainty: str | None = None
    truth: str | None = None
    """Labels of a land-cover map; for change a mask, or what `change evaluate --out` wrote of the pair."""


OF_THE_MODEL = ("probabilities", "certainty")
"""Of ``MapFiles``, what the model of the map wrote."""


@dataclass(frozen=True)
class ReportMap:
    """A map as the page needs it."""

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
    """Sentences about what was thinned out, and about layers that cannot be shown."""
    overlays: Mapping[str, Overlay] = field(default_factory=dict)
    """What can be laid over the images, by name."""
    doubts: Sequence[str] = ()
    """Sentences about what is not known of how the files belong together."""

    @property
    def sides(self) -> set[str]:
        """Name the sides of the line, ``left`` and ``right``, that have a picture."""
        return {side for picture in self.layers["pictures"] for side in picture.keys() - {"title"}}

    @property
    def payload(self) -> dict[str, Any]:
        """What the page's script reads."""
        classes = [
            {"name": entry.name, "colour": colour, "pixels": entry.pixels, "hectares": entry.hectares}
            for entry, colour in zip(self.areas, self.colours, strict=True)
        ]
        return {
            "height": self.height,
            "width": self.width,
            "classes": classes,
            **self.georeference,
            **self.layers,
        }


def read_map(task: ReportTask, run: RunRecord, files: MapFiles) -> ReportMap:
    """Read the map in ``files`` with the classes of ``run``.

    Raises:
        InputError: a file cannot be read, lies on another grid than the map, was made by another model, or
            has other values than the run.
    """
    land = open_scene(files.land)
    if land.bands != 1 or land.dtype not in ("uint8", "uint16"):
        raise InputError(
            f"{land.path}: {land.bands} x {land.dtype} is no map of classes; give the file that `terramamba"
            f" {run.task} map --out` wrote"
        )
    tags = _tags(land)
    doubts = _made_by(run, land, tags, "map")
    beside = _beside(task, run, land, files)
    for what in OF_THE_MODEL:
        if what in beside:
            doubts += _made_by(run, beside[what], _tags(beside[what]), what)
    doubts += [
        f"{other.path} has no georeferencing, or {land.path} has none: their pixels are taken to lie on each"
        " other."
        for other in beside.values()
        if (other.transform is None) != (land.transform is None)
    ]
    names, colours = task.legend(run)
    unnamed = rejected_in(tags)
    names, colours = {**names, **unnamed}, {**dict.fromkeys(unnamed, GREY), **colours}
    count = _count(task, run, land, names)
    found = task.layers(ShownMap(run, land, names, colours, tags, beside, files.truth))
    layers = packed_layers(found)
    own = run.card.judged.threshold
    threshold = tags.get("THRESHOLD", None if own is None else own.value)
    return ReportMap(
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
            **place_of(land.grid),
        },
        notes=[*_notes(land, layers), *found.absent],
        doubts=doubts,
        overlays=found.overlays,
    )


def _beside(task: ReportTask, run: RunRecord, land: Scene, files: MapFiles) -> dict[str, Scene]:
    found: dict[str, Scene] = {}
    own = (*task.images, *OF_THE_MODEL)
    for name in ("scene", "before", "after", *OF_THE_MODEL):
        path = getattr(files, name)
        if path is None:
            continue
        if name not in own:
            raise InputError(
                f"--{name} {path}: {run.folder} is for {run.task}; beside its map go"
                f" {' and '.join(f'--{other}' for other in (*own, 'truth'))}"
            )
        data = run.card.data
        bands = None if name in OF_THE_MODEL else data.source_bands
        opened = in_colours(open_scene(path, bands=bands, like=data.axes))
        if (opened.height, opened.width) != (land.height, land.width):
            raise InputError(
                f"{opened.path}: {opened.height} x {opened.width} pixels, but the map {land.path} has"
                f" {land.height} x {land.width}; give files that belong together"
            )
        placed = opened.transform is not None and land.transform is not None
        if placed and not same_pixels(opened.grid, land.grid):
            raise InputError(
                f"{opened.path}: lies on another grid than the map {land.path}, though it has as many pixels;"
                " give files that belong together"
            )
        found[name] = opened
    return found


def _count(task: ReportTask, run: RunRecord, land: Scene, names: Mapping[int, str]) -> Sequence[ClassArea]:
    """How much there is of each value, no data first."""
    empty = task.no_data
    if empty in names and land.nodata is not None:  # a map with a class 0 has another value for no data
        empty = int(land.nodata)
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


def _made_by(run: RunRecord, file: Scene, tags: Mapping[str, str], what: str) -> list[str]:
    """Say where it is not known whether ``run`` made a file; raise ``InputError`` where another did."""
    told, own = tags.get(MODEL_TAG), run.card.model.sha256
    if told is None or own is None:
        lacks = (
            f"its file has no tag {MODEL_TAG}" if told is None else "the run keeps no checksum of its model"
        )
        return [f"It is not known whether {run.name} made the {what} {file.path}: {lacks}."]
    model, name = tags.get("MODEL", "unnamed"), run.card.model.name
    if told != own or model not in (name, "unnamed"):  # models without weights have the same checksum
        raise InputError(
            f"{file.path}: was made by another model ({model}, SHA-256 {told[:12]}...) than that in"
            f" {run.folder} ({name}, {own[:12]}...); name the run that made it first, or map anew"
        )
    maker = tags.get("RUN", run.folder.name)
    if maker != run.folder.absolute().name and not model_spec(run.card.model.name).trainable:
        return [
            f"The {what} {file.path} was made by a run called {maker}, and this one is {run.folder.name}:"
            f" {run.card.model.name} has no weights that would tell whether they are the same."
        ]
    return []


def _tags(land: Scene) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(land.path) as file:
                return dict(file.tags())
        except RasterioError:  # a format that GDAL does not read has no tags either
            return {}


def _notes(land: Scene, layers: Mapping[str, Any]) -> list[str]:
    """Say what has fewer pixels than the map."""
    sizes: dict[tuple[int, int], dict[str, None]] = {}

    def note(what: str, packed: Mapping[str, Any]) -> None:
        shape = (packed["height"], packed["width"])
        if shape != (land.height, land.width):
            sizes.setdefault(shape, {})[what] = None

    for layer in layers["layers"].values():
        note(layer["title"], layer)
    for picture in layers["pictures"]:
        for side in picture.keys() - {"title"}:
            note("the pictures", picture[side])
    for cube in layers["spectra"].values():
        note("spectra and bands of your choice", cube)
    return [
        f"To keep this page small, {' and '.join(shown)} are shown at {height} x {width} pixels of"
        f" {land.height} x {land.width}; numbers are counted at full resolution."
        for (height, width), shown in sizes.items()
    ]


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
