"""A change map of a pair of any size: overlapping tiles, blended into one image, then polygons.

Tiles are mapped one by one (``change_units``), by one process or many; blending takes them in order and
writes rows as soon as no later tile touches them, so that memory grows with the width of the pair and not
with its height. A run that was ended is gone on with (``jobs``).
"""

import time
from collections.abc import Sequence
from pathlib import Path

from terramamba.change.map_output import ChangeRecipe, ChangeSummary
from terramamba.change.map_worker import OVERLAP, TILE_SIZE, ChangeWork
from terramamba.core.errors import InputError
from terramamba.mapping.area_table import check_table_name
from terramamba.mapping.executors import Spread
from terramamba.mapping.fingerprint import model_fact, option_fact, scene_fact, version_fact
from terramamba.mapping.fit_to_run import check_bands, chosen_temperature, open_run
from terramamba.mapping.inferring import Place, check_options
from terramamba.mapping.jobs import carry_out
from terramamba.mapping.tags import run_tags
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import check_raster_name
from terramamba.raster.readers.dates import acquisition_date
from terramamba.raster.scene import Scene
from terramamba.raster.vector.change_polygons import check_polygon_name
from terramamba.raster.vector.simplify import check_simplify
from terramamba.raster.views.masked import masked
from terramamba.raster.views.warped import Method
from terramamba.raster.windows import tiles
from terramamba.runs.folder import Run
from terramamba.scores.calibration import calibrated_threshold

WHOLE_IMAGE_VALUES = 200_000_000
"""A detector that must see the whole image at once gets at most this many values (800 MB) of both dates."""


def map_change(
    run: str | Path | Run,
    before: Place | Scene,
    after: Place | Scene,
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
        areas: CSV to write: how much changed and how much did not.
        masks: Rasters whose pixels that are not 0 are left out, as if they had no data at either date.
        align: Warp the later image onto the grid of the earlier one, "bilinear" or "cubic"; None: both lie on
            one grid.
        threshold: Least probability that counts as changed; None: the run's own, chosen on validation.
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
    spread = Spread(workers, dask, shard)
    spread.check()
    polygon_files = [Path(path) for path in _as_list(polygons)]
    for path in (out, probabilities):
        if path is not None:
            check_raster_name(path)
    for target in polygon_files:
        check_polygon_name(target)
    check_simplify(simplify)
    if not min_area >= 0:
        raise InputError(f"--min-area {min_area:g}: an area is needed, 0 or more")
    for flag, value in (("--min-area", min_area), ("--simplify", simplify)):
        if value and not polygon_files:
            raise InputError(f"{flag} {value:g}: is for polygons; name their file with --polygons")
    check_table_name(areas)
    _check(batch_size, precision, tile_size, overlap, threshold)
    loaded = open_run(run, "change")
    temperature = chosen_temperature(loaded, calibrated)
    own = calibrated_threshold(loaded.threshold, temperature) if calibrated else loaded.threshold
    cut = own if threshold is None else float(threshold)
    first, second = (masked(date, masks) for date in require_pair(before, after, align=align))
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
        "alignment": option_fact("--align", align),
        "masks": option_fact("--mask", ",".join(map(str, masks)) or None),
        "before": scene_fact(first),
        "after": scene_fact(second),
        "probabilities": option_fact("--probabilities", probabilities),
        "polygons": option_fact("--polygons", " ".join(map(str, polygon_files)) or None),
        "areas": option_fact("--areas", areas),
        "threshold": option_fact("--threshold", cut),
        "calibration": option_fact("--calibrated", calibrated),
        "least area": option_fact("--min-area", float(min_area)),
        "simplification": option_fact("--simplify", float(simplify)),
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
        None if areas is None else str(areas),
        grid,
        units,
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
        recipe,
        ChangeWork(sent, first, second, units, precision, temperature),
        facts,
        spread,
        device=device,
        overwrite=overwrite,
        inputs=[first.path, second.path, *map(str, masks)],
    )
    return recipe.summary(outcome, time.monotonic() - start)


def _shared_grid(first: Scene, second: Scene) -> Grid:
    """The pair's place on the ground, which may be known from one date alone."""
    known = first if first.transform is not None else second
    ties = first.grid.ties or second.grid.ties if known.transform is None else None
    return Grid(first.height, first.width, first.crs or second.crs, known.transform, ties)


def _day(place: Place | Scene) -> str | None:
    """When an image was taken, where the image itself or what lies beside it says so."""
    day = acquisition_date(place.path if isinstance(place, Scene) else place)
    return None if day is None else day.isoformat()


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
