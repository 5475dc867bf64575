"""A change map of a pair of any size: overlapping tiles, blended into one image, then polygons.

Tiles are mapped one by one (``map_worker``), by one process or many; blending takes them in order and
writes rows as soon as no later tile touches them, so that memory grows with the width of the pair and not
with its height. A run that was ended is gone on with (``jobs``).
"""

from collections.abc import Sequence
from dataclasses import replace

import rasterio

from terramamba.change.date_correction import changes_in_words, make_comparable
from terramamba.change.map_output import NAMES, NOT_SURE, ChangeMapOutput
from terramamba.change.map_worker import ChangeWork, note_on_enlarged, seen_tiles, shown_enlarged
from terramamba.change.pair_view import view_of
from terramamba.change.settings import ChangeMapSettings
from terramamba.change.training_domain import learnt_values, notes_on_domain
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.mapping.certainty_layer import REJECTED_TAG, certainty_rule
from terramamba.mapping.fingerprint import option_fact
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.stac_item import check_item_place
from terramamba.mapping.tags import run_tags
from terramamba.mapping.value_range import value_differences
from terramamba.mapping.windows import require_affordable
from terramamba.raster.checks.code_bands import notes_on_codes
from terramamba.raster.checks.pair import pair_report, require_pair
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.dates import day_of
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.vector.polygon_files import check_polygon_place
from terramamba.raster.views.nodata import without_values
from terramamba.raster.windows import count_tiles, tiles
from terramamba.runs.folder import Run
from terramamba.scores.calibration import calibrated_threshold
from terramamba.scores.thresholds import checked_threshold

WHOLE_IMAGE_VALUES = 200_000_000
"""A detector that must see the whole image at once gets at most this many values (800 MB) of both dates."""


def open_inputs(inputs: Sequence[StrPath | Scene], settings: ChangeMapSettings) -> dict[str, Scene]:
    """Open both dates of a map, the later on the grid of the earlier and as comparable as is asked for.

    Raises:
        InputError: one cannot be read, they do not make a pair, or cannot be made comparable so.
    """
    dates = (date if isinstance(date, Scene) else open_scene(date) for date in inputs)
    known = (without_values(date, settings.nodata or ()) for date in dates)
    before, after = require_pair(*known, align=settings.align)
    asked = {"correct_shift": settings.correct_shift, "match_radiometry": settings.match_radiometry}
    before, after = make_comparable(before, after, **asked)
    return {"before": before, "after": after}


def plan_map(given: MapInputs, out: str, settings: ChangeMapSettings) -> MapPlan:
    """Cut the pair into tiles, and say what becomes of them.

    Raises:
        InputError: the pair is too large, for a map or for a model that has to see all of it at once;
            polygons are asked for in a format that has no place for them; or the run does not know how sure
            it is.
    """
    run, first, second = given.run, given.scenes["before"], given.scenes["after"]
    view = view_of(run, (first, second), settings.what)
    threshold, grid = _threshold(view.threshold, given, settings), _shared_grid(first, second)
    model = shown_enlarged(run, settings.enlarge)  # refused here, and not by the first worker
    side, overlap = seen_tiles(model, settings.tile_size, settings.overlap)
    settings = replace(settings, tile_size=side, overlap=overlap)
    number = count_tiles(grid.height, grid.width, settings.tile_size, settings.overlap)
    require_affordable(first.path, grid.height, grid.width, number)
    if run.model.whole_image:
        _check_whole_image(run, first)
        settings = replace(settings, tile_size=max(grid.window.shape), overlap=0)
    plan = tiles(grid.height, grid.width, settings.tile_size, settings.overlap)
    step = settings.batch_size
    batches = tuple(tuple(plan[i : i + step]) for i in range(0, len(plan), step))
    polygons = tuple(settings.polygons or ())
    for path in polygons:
        check_polygon_place(path, None if grid.transform is None else grid.crs)
    check_item_place(settings.item, grid)
    if settings.reject is not None and settings.threshold is not None:
        raise InputError(
            f"--threshold {settings.threshold:g}: --reject has its rate at the threshold of the run; leave"
            " one of them out"
        )
    judged = run.card.judged
    rule = certainty_rule(
        run, judged.calibration, judged.certainty, layer=settings.certainty, reject=settings.reject
    )
    output = ChangeMapOutput(
        out,
        settings.probabilities,
        settings.certainty,
        polygons,
        settings.areas,
        grid,
        batches,
        settings.overlap,
        threshold,
        {"min_area": settings.min_area, "simplify": settings.simplify},
        (day_of(first), day_of(second)) if polygons or settings.item else (None, None),
        run_tags(
            run,
            threshold=f"{threshold:g}",
            precision=settings.precision,
            temperature=f"{given.temperature:g}",
            before=first.path,
            after=second.path,
            **({} if view.what is None else {"what": view.what}),
            **({} if settings.enlarge == 1 else {"enlarged": str(settings.enlarge)}),
            **({} if settings.reject is None else {REJECTED_TAG: f"{NOT_SURE} {NAMES[NOT_SURE]}"}),
        ),
        given.temperature if settings.calibrated else None,
        1.0 if rule is None else rule.temperature / given.temperature,
        settings.reject,
        None if rule is None else rule.least,
        settings.item,
    )
    work = ChangeWork(
        given.sent,
        first,
        second,
        batches,
        settings.precision,
        given.temperature,
        view.scaling,
        view.meaning,
        settings.enlarge,
    )

    def notes() -> list[str]:
        """How the dates compare, and the first with what the run was trained on."""
        with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
            differences = value_differences(run, first) if learnt_values(run) else []
            changes = changes_in_words(second)
            return [
                *changes,
                *(notes_on_codes(first, run.scaling.bands) if run.card.model.sha256 is None else ()),
                *pair_report(first, second).notes,
                *differences,
                *notes_on_domain(run, (first, second), grid, view.what, settings.enlarge),
                *note_on_enlarged(settings.enlarge),
            ]

    return given.plan(output, work, settings, notes, threshold=option_fact("--threshold", threshold))


def _threshold(own: float, given: MapInputs, settings: ChangeMapSettings) -> float:
    """The threshold of the map: the run's ``own`` moves with its probabilities."""
    if settings.threshold is not None:
        return checked_threshold(settings.threshold)
    return calibrated_threshold(own, given.temperature) if settings.calibrated else own


def _shared_grid(first: Scene, second: Scene) -> Grid:
    """The pair's place on the ground, which may be known from one date alone."""
    known = first if first.transform is not None else second
    control = first.grid.ground_control or second.grid.ground_control if known.transform is None else None
    return Grid(first.height, first.width, first.crs or second.crs, known.transform, control)


def _check_whole_image(run: Run, scene: Scene) -> None:
    values = 2 * len(run.scaling.bands) * scene.grid.window.pixels
    if values > WHOLE_IMAGE_VALUES:
        limit = WHOLE_IMAGE_VALUES // (2 * len(run.scaling.bands))
        raise InputError(
            f"{scene.path}: {scene.height} x {scene.width} pixels, but {run.card.model.name} has to see"
            f" all at once, {limit} pixels at most; crop the images or use a model that works in tiles"
        )
