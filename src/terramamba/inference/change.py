"""A change map of a pair of any size: overlapping tiles, blended into one image, then polygons.

Tiles are mapped one by one (``change_units``), by one process or many; blending takes them in order and
writes rows as soon as no later tile touches them, so that memory grows with the width of the pair and not
with its height. A run that was ended is gone on with (``jobs``).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.errors import InputError
from terramamba.inference.blend import Part, blend
from terramamba.inference.change_units import ChangeWork, Tiles, unpacked
from terramamba.inference.common import (
    NO_PROBABILITY,
    PROBABILITY_SCALE,
    AreaCount,
    ClassArea,
    Place,
    check_bands,
    check_options,
    file_tags,
    open_run,
    run_tags,
    stored_probability,
)
from terramamba.inference.identity import model_fact, option_fact, scene_fact, version_fact
from terramamba.inference.jobs import Outcome, Spread, carry_out
from terramamba.inference.parts import Parts
from terramamba.inference.records import grid_of, grid_record
from terramamba.raster.grid import Window, tiles
from terramamba.raster.pair import require_pair
from terramamba.raster.polygons import check_polygon_name, trace_changes, write_polygons
from terramamba.raster.scene import Grid, Scene
from terramamba.raster.write import RasterWriter, check_raster_name
from terramamba.runs import Run

KIND = "change"

NODATA = 255
NAMES = {0: "unchanged", 1: "changed"}
COLOURS = {0: (225, 225, 225), 1: (215, 25, 28)}

WHOLE_IMAGE_VALUES = 200_000_000
"""A detector that must see the whole image at once gets at most this many values (800 MB) of both dates."""


@dataclass(frozen=True)
class ChangeSummary:
    """What was mapped. ``not_finite_pixels`` have NaN or infinity in either date; they count as nodata too.

    ``areas`` is the number of polygons, None where none were asked for.
    """

    out: Path
    probabilities: Path | None
    polygons: tuple[Path, ...]
    pixels: int
    nodata_pixels: int
    not_finite_pixels: int
    classes: tuple[ClassArea, ...]
    threshold: float
    areas: int | None
    seconds: float
    missing_parts: int | None = None
    """After one shard of the work: how many parts are yet to be mapped; nothing has been written then."""


def map_change(
    run: str | Path | Run,
    before: Place | Scene,
    after: Place | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    polygons: str | Path | Sequence[str | Path] | None = None,
    threshold: int | float | None = None,
    min_area: int | float = 0.0,
    tile_size: int = 512,
    overlap: int = 128,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
    overwrite: bool = False,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
) -> ChangeSummary:
    """Map what changed between two dates.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        before: Path of the earlier image, or an open scene.
        after: Path of the later image on the same grid, or an open scene.
        out: GeoTIFF to write: 0 unchanged, 1 changed, 255 no data.
        probabilities: GeoTIFF to write: round(254 p), 255 no data.
        polygons: GeoPackage (.gpkg) or GeoJSON (.geojson) to write, or several files.
        threshold: Least probability that counts as changed; None: the run's own, chosen on validation.
        min_area: Smaller areas get no polygon; in m2, or in pixels where the image has no reference system.
        tile_size: Side of the tiles in pixels.
        overlap: Pixels that neighbouring tiles share at least.
        batch_size: Tiles that go through the model together.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs, and the parts of a run with other arguments.
        workers: Processes that share the work.
        dask: Address of the scheduler of a Dask cluster that does the work.
        shard: "i/n": do every n-th part from the i-th on, and write nothing yet: ``join_map`` does.

    Raises:
        InputError: run or images cannot be read, they do not fit each other, an output exists, or parts of a
            run with other arguments are there.
    """
    start = time.monotonic()
    spread = Spread(workers, dask, shard)
    spread.check()
    polygon_files = [Path(path) for path in _as_list(polygons)]
    for path in (out, probabilities):
        if path is not None:
            check_raster_name(path)
    for target in polygon_files:
        check_polygon_name(target)
    _check(batch_size, precision, tile_size, overlap, threshold)
    loaded = open_run(run, "change")
    cut = loaded.threshold if threshold is None else float(threshold)
    first, second = require_pair(before, after)
    check_bands(loaded, first)
    check_bands(loaded, second)
    grid = _shared_grid(first, second)
    if getattr(loaded.model, "whole_image", False):
        _check_whole_image(loaded, first)
        tile_size, overlap = max(grid.window.shape), 0

    plan = tiles(grid.height, grid.width, tile_size, overlap)
    units = tuple(tuple(plan[i : i + batch_size]) for i in range(0, len(plan), batch_size))
    facts = {
        "model": model_fact(loaded),
        "before": scene_fact(first),
        "after": scene_fact(second),
        "probabilities": option_fact("--probabilities", probabilities),
        "polygons": option_fact("--polygons", " ".join(map(str, polygon_files)) or None),
        "threshold": option_fact("--threshold", cut),
        "least area": option_fact("--min-area", float(min_area)),
        "tile size": option_fact("--tile-size", tile_size),
        "overlap": option_fact("--overlap", overlap),
        "batch size": option_fact("--batch-size", batch_size),
        "precision": option_fact("--precision", precision),
        "versions": version_fact(),
    }
    recipe = ChangeRecipe(
        str(out),
        None if probabilities is None else str(probabilities),
        tuple(map(str, polygon_files)),
        grid,
        units,
        overlap,
        cut,
        {"min_area": float(min_area)},
        run_tags(loaded, threshold=f"{cut:g}", precision=precision, before=first.path, after=second.path),
    )
    sent = loaded if isinstance(run, Run) or (workers == 1 and dask is None) else str(run)
    outcome = carry_out(
        recipe,
        ChangeWork(sent, first, second, units, precision),
        facts,
        spread,
        device=device,
        overwrite=overwrite,
        inputs=[first.path, second.path],
    )
    return recipe.summary(outcome, time.monotonic() - start)


@dataclass(frozen=True, eq=False)
class ChangeRecipe:
    """How the tiles of ``units``, with their ``overlap``, become a map of what is above ``threshold``.

    ``polygon_options`` are those of ``trace_changes``.
    """

    out: str
    probabilities: str | None
    polygons: tuple[str, ...]
    grid: Grid
    units: tuple[Tiles, ...]
    overlap: int
    threshold: float
    polygon_options: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def targets(self) -> Sequence[Path]:
        """Files to write: map, probabilities, polygons."""
        named = (self.out, self.probabilities, *self.polygons)
        return [Path(path) for path in named if path is not None]

    @property
    def sizes(self) -> Sequence[int]:
        """Pixels of each unit, counting every pixel of the pair once."""
        tiles_before = np.cumsum([0, *(len(unit) for unit in self.units)])
        return np.diff(self.grid.window.pixels * tiles_before // tiles_before[-1]).tolist()

    def draft(self, parts: Parts, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        """Write the files, row by row, and the polygons at the end."""
        count, not_finite, areas = AreaCount(self.grid, NAMES), 0, None
        # Polygons need the probabilities; where nobody else does, they go with the map's hidden folder.
        probability_draft = (
            drafts[0].with_name("probability.tif") if self.probabilities is None else drafts[1]
        )
        with ExitStack() as open_files:
            map_file = open_files.enter_context(_map_writer(drafts[0], self.tags, self.grid))
            probability_files = []
            if self.probabilities is not None or self.polygons:
                writer = _probability_writer(probability_draft, self.tags, self.grid)
                probability_files.append(open_files.enter_context(writer))
            for rows in blend(self._tiles(parts), self.grid.height, self.grid.width, self.overlap):
                changed = np.where(rows.usable, rows.probability >= self.threshold, NODATA).astype(np.uint8)
                map_file.write(changed[None], rows.window)
                for file in probability_files:
                    file.write(stored_probability(rows.probability, rows.usable)[None], rows.window)
                count.add(changed, rows.window)
                not_finite += int(np.count_nonzero(rows.not_finite))
                advance(rows.window.pixels)
        if self.polygons:
            traced = trace_changes(drafts[0], probability_draft, **self.polygon_options)
            areas = len(traced)
            for draft in drafts[-len(self.polygons) :]:
                write_polygons(traced, draft)
        return {
            "classes": [asdict(entry) for entry in count.classes()],
            "not_finite": not_finite,
            "areas": areas,
        }

    def summary(self, outcome: Outcome, seconds: float) -> ChangeSummary:
        """What a run came to, for people and programs."""
        found = outcome.found
        classes = tuple(ClassArea(**entry) for entry in found["classes"]) if found else ()
        pixels = self.grid.window.pixels
        return ChangeSummary(
            Path(self.out),
            None if self.probabilities is None else Path(self.probabilities),
            tuple(map(Path, self.polygons)),
            pixels,
            pixels - sum(entry.pixels for entry in classes),
            found["not_finite"] if found else 0,
            classes,
            self.threshold,
            found["areas"] if found else None,
            seconds,
            None if found else outcome.missing,
        )

    def record(self) -> dict[str, Any]:
        """The recipe as JSON can hold it."""
        return {"kind": KIND, "recipe": {**vars(self), "grid": grid_record(self.grid)}}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "ChangeRecipe":
        """The recipe that ``record`` wrote down."""
        units = tuple(tuple(Window(**window) for window in unit) for unit in record["units"])
        return cls(
            **{
                **record,
                "polygons": tuple(record["polygons"]),
                "grid": grid_of(record["grid"]),
                "units": units,
            }
        )

    def _tiles(self, parts: Parts) -> Iterator[Part]:
        for unit, windows in enumerate(self.units):
            yield from unpacked(windows, parts.read(unit))


def _shared_grid(first: Scene, second: Scene) -> Grid:
    """The pair's place on the ground, which may be known from one date alone."""
    known = first if first.transform is not None else second
    ties = first.grid.ties or second.grid.ties if known.transform is None else None
    return Grid(first.height, first.width, first.crs or second.crs, known.transform, ties)


def _map_writer(path: Path, tags: Mapping[str, str], grid: Grid) -> RasterWriter:
    return RasterWriter(
        path,
        grid,
        bands=1,
        dtype="uint8",
        nodata=NODATA,
        colours=COLOURS,
        class_names=NAMES,
        band_names=["change"],
        tags=file_tags(tags, "change between two dates"),
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
    )


def _as_list(polygons: str | Path | Sequence[str | Path] | None) -> Sequence[str | Path]:
    if polygons is None:
        return ()
    return (polygons,) if isinstance(polygons, str | Path) else polygons


def _check(
    batch_size: int, precision: str, tile_size: int, overlap: int, threshold: int | float | None
) -> None:
    check_options(batch_size, precision)
    if not 0 <= overlap < tile_size:
        raise InputError(f"--overlap {overlap}: must be 0 or more and less than --tile-size {tile_size}")
    if threshold is not None and not 0 < threshold <= 1:
        raise InputError(f"--threshold {threshold:g}: a probability above 0 and at most 1 is needed")


def _check_whole_image(run: Run, scene: Scene) -> None:
    values = 2 * len(run.scaling.bands) * scene.grid.window.pixels
    if values > WHOLE_IMAGE_VALUES:
        limit = WHOLE_IMAGE_VALUES // (2 * len(run.scaling.bands))
        raise InputError(
            f"{scene.path}: {scene.height} x {scene.width} pixels, but {run.card['model']['name']} has to see"
            f" all at once, {limit} pixels at most; crop the images or use a model that works in tiles"
        )
