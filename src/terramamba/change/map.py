"""A change map of a pair of any size: overlapping tiles, blended into one image, then polygons.

Tiles are mapped one by one (``map_worker``), by one process or many; blending takes them in order and
writes rows as soon as no later tile touches them, so that memory grows with the width of the pair and not
with its height. A run that was ended is gone on with (``jobs``).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.change.map_output import ChangeMapOutput, ChangeSummary
from terramamba.change.map_worker import OVERLAP, TILE_SIZE, ChangeWork
from terramamba.change.settings import ChangeMapSettings
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.mapping.area_table import check_table_name
from terramamba.mapping.fingerprint import (
    model_fact,
    option_fact,
    option_facts,
    scene_fact,
    version_fact,
)
from terramamba.mapping.fit_to_run import check_bands, chosen_temperature, open_run
from terramamba.mapping.jobs import carry_out
from terramamba.mapping.tags import run_tags
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import check_raster_name
from terramamba.raster.readers.dates import acquisition_date
from terramamba.raster.scene import Scene
from terramamba.raster.vector.change_polygons import check_polygon_name
from terramamba.raster.views.masked import masked
from terramamba.raster.views.warped import Method
from terramamba.raster.windows import tiles
from terramamba.runs.folder import Run
from terramamba.scores.calibration import calibrated_threshold
from terramamba.scores.thresholds import checked_threshold
from terramamba.training.settings import Precision

WHOLE_IMAGE_VALUES = 200_000_000
"""A detector that must see the whole image at once gets at most this many values (800 MB) of both dates."""


def map_change(
    run: str | Path | Run,
    before: StrPath | Scene,
    after: StrPath | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    polygons: str | Path | Sequence[str | Path] | None = None,
    areas: str | Path | None = None,
    masks: Sequence[str | Path] = (),
    align: Method | None = None,
    threshold: int | float | None = None,
    calibrated: bool = False,
    min_area: int | float = 0.0,
    simplify: int | float = 0.0,
    tile_size: int = TILE_SIZE,
    overlap: int = OVERLAP,
    batch_size: int = 1,
    device: str = "auto",
    precision: Precision = "32",
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
        areas: CSV to write: how much changed and how much did not.
        masks: Rasters whose pixels that are not 0 are left out, as if they had no data at either date.
        align: Warp the later image onto the grid of the earlier one, "bilinear" or "cubic"; None: both lie on
            one grid.
        threshold: Least probability that counts as changed, a whole thousandth; None: the run's own, chosen
            on validation.
        calibrated: Divide logits by the run's temperature, fitted on its validation pairs, so that
            probabilities hold. The run's own threshold moves with them, so that the same is marked (but for
            single pixels where tiles are blended); a given ``threshold`` is one of the new probabilities.
        min_area: Smaller areas get no polygon; in m2, or in pixels where the image has no reference system.
        simplify: How much of the steps of polygons is smoothed away, in pixels; areas stay those of pixels.
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
    settings = ChangeMapSettings(
        probabilities=None if probabilities is None else str(probabilities),
        polygons=list(map(str, _as_list(polygons))),
        areas=None if areas is None else str(areas),
        mask=list(map(str, masks)),
        align=align,
        threshold=threshold,
        calibrated=calibrated,
        min_area=float(min_area),
        simplify=float(simplify),
        tile_size=tile_size,
        overlap=overlap,
        batch_size=batch_size,
        device=device,
        precision=precision,
        overwrite=overwrite,
        workers=workers,
        dask=dask,
        shard=shard,
    )
    polygon_files = [Path(path) for path in _as_list(polygons)]
    for path in (out, probabilities):
        if path is not None:
            check_raster_name(path)
    for target in polygon_files:
        check_polygon_name(target)
    check_table_name(areas)
    given = None if threshold is None else checked_threshold(float(threshold))
    loaded = open_run(run, "change")
    loaded.model.check_precision(precision)
    temperature = chosen_temperature(loaded, calibrated)
    own = calibrated_threshold(loaded.threshold, temperature) if calibrated else loaded.threshold
    cut = own if given is None else given
    first, second = (masked(date, masks) for date in require_pair(before, after, align=align))
    check_bands(loaded, first)
    check_bands(loaded, second)
    grid = _shared_grid(first, second)
    if loaded.model.whole_image:
        _check_whole_image(loaded, first)
        tile_size, overlap = max(grid.window.shape), 0

    plan = tiles(grid.height, grid.width, tile_size, overlap)
    batches = tuple(tuple(plan[i : i + batch_size]) for i in range(0, len(plan), batch_size))
    facts = {
        "model": model_fact(loaded),
        **option_facts(replace(settings, tile_size=tile_size, overlap=overlap)),
        "threshold": option_fact("--threshold", cut),
        "before": scene_fact(first),
        "after": scene_fact(second),
        "versions": version_fact(),
    }
    output = ChangeMapOutput(
        str(out),
        None if probabilities is None else str(probabilities),
        tuple(map(str, polygon_files)),
        None if areas is None else str(areas),
        grid,
        batches,
        overlap,
        cut,
        {"min_area": float(min_area), "simplify": float(simplify)},
        (_day(before), _day(after)) if polygon_files else (None, None),
        run_tags(
            loaded,
            threshold=f"{cut:g}",
            precision=precision,
            temperature=f"{temperature:g}",
            before=first.path,
            after=second.path,
        ),
        temperature if calibrated else None,
    )
    sent = loaded if isinstance(run, Run) or (workers == 1 and dask is None) else str(run)
    outcome = carry_out(
        output,
        ChangeWork(sent, first, second, batches, precision, temperature),
        facts,
        settings,
        device=device,
        overwrite=overwrite,
        inputs=[first.path, second.path, *map(str, masks)],
    )
    return output.summary(outcome, time.monotonic() - start)


def _shared_grid(first: Scene, second: Scene) -> Grid:
    """The pair's place on the ground, which may be known from one date alone."""
    known = first if first.transform is not None else second
    control = first.grid.ground_control or second.grid.ground_control if known.transform is None else None
    return Grid(first.height, first.width, first.crs or second.crs, known.transform, control)


def _day(place: StrPath | Scene) -> str | None:
    """When an image was taken, where the image itself or what lies beside it says so."""
    day = acquisition_date(place.path if isinstance(place, Scene) else place)
    return None if day is None else day.isoformat()


def _as_list(polygons: str | Path | Sequence[str | Path] | None) -> Sequence[str | Path]:
    if polygons is None:
        return ()
    return (polygons,) if isinstance(polygons, str | Path) else polygons


def _check_whole_image(run: Run, scene: Scene) -> None:
    values = 2 * len(run.scaling.bands) * scene.grid.window.pixels
    if values > WHOLE_IMAGE_VALUES:
        limit = WHOLE_IMAGE_VALUES // (2 * len(run.scaling.bands))
        raise InputError(
            f"{scene.path}: {scene.height} x {scene.width} pixels, but {run.card.model.name} has to see"
            f" all at once, {limit} pixels at most; crop the images or use a model that works in tiles"
        )
