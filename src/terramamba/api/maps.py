"""Maps of scenes and pairs, to files or, where no file is named, as arrays."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack, cast, overload

from terramamba import pipeline
from terramamba.api.given import SceneLike, path_or_scene
from terramamba.api.map_array import MapArray, map_array, place_of
from terramamba.change.map_output import ChangeSummary
from terramamba.change.map_worker import OVERLAP, TILE_SIZE
from terramamba.change.settings import ChangeMapSettings
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.landcover.map_output import ClassSummary
from terramamba.landcover.settings import ClassMapSettings, Mode, Regularise
from terramamba.mapping import join
from terramamba.mapping.fit_to_run import open_for, open_run
from terramamba.raster.checks import pair
from terramamba.raster.views.chosen_bands import open_alike
from terramamba.raster.views.in_colours import in_colours
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.runs.folder import Run
from terramamba.tasks import CHANGE, LAND_COVER, TASKS
from terramamba.training.settings import Precision


def check_pair(
    before: SceneLike,
    after: SceneLike,
    *,
    align: Align | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
) -> pair.PairReport:
    """Compare two scenes: reference system, grid, overlap, bands, types, value ranges, missing data, shift.

    With ``align``, the second is first warped onto the first's grid; what the files ``mask`` mark counts as
    missing at both dates, as do values ``nodata``. ``scene_variable`` names the array or image in files that
    hold several, ``axes`` what the axes of bare arrays hold, ``bands`` the bands to compare, by numbers
    from 1 or names, such as "1-4" or "red,green".

    Raises:
        InputError: a file cannot be opened or read, lacks a band or value, or the second cannot be warped.
    """
    given = [path_or_scene(one, scene_variable, axes) for one in (before, after)]
    scenes = open_alike(given, bands)
    require_held(scenes, nodata or ())
    first, second = (in_colours(without_values(scene, nodata or ())) for scene in scenes)
    return pair.check_pair(first, second, align=align, masks=mask)


class ClassMapOptions(TypedDict, total=False):
    """Keywords of ``map_classes``, for its two forms."""

    probabilities: StrPath | None
    certainty: StrPath | None
    reject: float | int | None
    fractions: StrPath | None
    polygons: StrPath | Sequence[StrPath] | None
    areas: StrPath | None
    mask: Sequence[StrPath]
    nodata: Sequence[float] | None
    scene_variable: str | None
    axes: str | None
    bands: str | None
    mode: Mode
    tilings: int
    tolerance: float | int
    regularise: Regularise
    calibrated: bool
    min_area: float | int
    simplify: float | int
    batch_size: int
    device: str
    precision: Precision
    overwrite: bool
    strip_rows: int | None
    workers: int
    dask: str | None
    shard: str | None
    on_progress: OnProgress | None
    progress: bool


class ChangeMapOptions(TypedDict, total=False):
    """Keywords of ``map_change``, for its two forms."""

    probabilities: StrPath | None
    certainty: StrPath | None
    reject: float | int | None
    polygons: StrPath | Sequence[StrPath] | None
    areas: StrPath | None
    mask: Sequence[StrPath]
    nodata: Sequence[float] | None
    scene_variable: str | None
    axes: str | None
    bands: str | None
    align: Align | None
    correct_shift: bool
    match_radiometry: bool
    threshold: float | int | None
    what: str | None
    calibrated: bool
    min_area: float | int
    simplify: float | int
    tile_size: int
    overlap: int
    batch_size: int
    device: str
    precision: Precision
    overwrite: bool
    workers: int
    dask: str | None
    shard: str | None
    on_progress: OnProgress | None
    progress: bool


@overload
def map_classes(
    run: StrPath | Run, scene: SceneLike, out: StrPath, **options: Unpack[ClassMapOptions]
) -> ClassSummary: ...
@overload
def map_classes(
    run: StrPath | Run, scene: SceneLike, out: None = None, **options: Unpack[ClassMapOptions]
) -> MapArray: ...
def map_classes(
    run: StrPath | Run,
    scene: SceneLike,
    out: StrPath | None = None,
    *,
    probabilities: StrPath | None = None,
    certainty: StrPath | None = None,
    reject: float | int | None = None,
    fractions: StrPath | None = None,
    polygons: StrPath | Sequence[StrPath] | None = None,
    areas: StrPath | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    mode: Mode = "exact",
    tilings: int = 1,
    tolerance: float | int = 0.3,
    regularise: Regularise = "auto",
    calibrated: bool = False,
    min_area: float | int = 0.0,
    simplify: float | int = 0.0,
    batch_size: int = 128,
    device: str = "auto",
    precision: Precision = "32",
    overwrite: bool = False,
    strip_rows: int | None = None,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ClassSummary | MapArray:
    """Map the classes of every pixel of ``scene``.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        scene: Scene with the bands of the model.
        out: GeoTIFF to write: 0 no data, else the code that the training labels have for the class; None:
            return the map as an array, of 100 million pixels at most.
        probabilities: GeoTIFF to write with one band for each class: round(254 p), 255 no data.
        certainty: GeoTIFF to write: calibrated probability of the class that a pixel is called, round(254 p).
        reject: Call a pixel "none of these", a value of its own, where it is less sure than this fraction of
            the validation pixels was, such as 0.05.
        fractions: GeoTIFF to write with the fraction of vegetation, soil and built in each pixel, stored like
            probabilities; of ``shipped_classifier`` alone.
        polygons: GeoPackage (.gpkg) or GeoJSON (.geojson) to write the patches of each class to, or several.
        areas: CSV to write: how much there is of each class.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if there were no data.
        nodata: Values that are no data though the file does not say so; None: those of the training.
        scene_variable: Name of the array or image in a file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        mode: "exact": each pixel is classified by its own patch. "fast": by the tokens around it of tiles
            that do not overlap, tens of times faster. "auto": as fast as ``tolerance`` allows.
        tilings: With "fast", shifted tilings whose tokens are averaged: 1, 2, 4 or 9.
        tolerance: With "auto", percentage points of overall accuracy on the run's validation pixels that may
            be lost against exact.
        regularise: "auto": smooth class probabilities as the run's validation chose; "off"; or so many pixels
            far. ``probabilities`` stay those of the model.
        calibrated: Divide logits by the run's temperature, fitted on its validation pixels, so that
            probabilities hold; no pixel changes its class.
        min_area: Patches of one class smaller than this take the class of the largest patch that they touch;
            in m2, or in pixels where the scene has no reference system. Probabilities stay.
        simplify: How much of the steps of polygons is smoothed away, in pixels; areas stay those of pixels.
        batch_size: Patches that go through the model together; changes speed and memory alone.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs, and the parts of a run with other arguments.
        strip_rows: Rows mapped together; None: as many as fit. Changes speed and memory alone.
        workers: Processes that share the work.
        dask: Address of the scheduler of a Dask cluster that does the work.
        shard: "i/n": do every n-th part from the i-th on, and write nothing yet: ``join_map`` does.
        on_progress: Called with what is done, the total, and of what; what it raises, such as ``Cancelled``,
            ends the work, and the same call goes on with it.
        progress: Show progress on standard error.

    Raises:
        InputError: the run or scene cannot be read, they do not fit each other, an output exists, or parts
            of a run with other arguments are there.
    """
    image = path_or_scene(scene, scene_variable, axes)
    if out is None or bands is not None:  # its size is asked for before it is mapped
        image = open_for(open_run(_run(run), LAND_COVER.name), image, bands=bands)
    settings = ClassMapSettings(
        probabilities=_text(probabilities),
        certainty=_text(certainty),
        reject=None if reject is None else float(reject),
        fractions=_text(fractions),
        polygons=_texts(polygons or ()),
        areas=_text(areas),
        mask=_texts(mask),
        nodata=None if nodata is None else list(nodata),
        mode=mode,
        tilings=tilings,
        tolerance=float(tolerance),
        regularise=regularise,
        calibrated=calibrated,
        min_area=float(min_area),
        simplify=float(simplify),
        batch_size=batch_size,
        device=device,
        precision=precision,
        overwrite=overwrite,
        strip_rows=strip_rows,
        workers=workers,
        dask=dask,
        shard=shard,
    )
    with told(on_progress, shown=progress), place_of(out, image, settings) as place:
        summary = cast("ClassSummary", pipeline.map(LAND_COVER, _run(run), [image], place, settings))
        return summary if out is not None else map_array(place, summary.classes)


@overload
def map_change(
    run: StrPath | Run,
    before: SceneLike,
    after: SceneLike,
    out: StrPath,
    **options: Unpack[ChangeMapOptions],
) -> ChangeSummary: ...
@overload
def map_change(
    run: StrPath | Run,
    before: SceneLike,
    after: SceneLike,
    out: None = None,
    **options: Unpack[ChangeMapOptions],
) -> MapArray: ...
def map_change(
    run: StrPath | Run,
    before: SceneLike,
    after: SceneLike,
    out: StrPath | None = None,
    *,
    probabilities: StrPath | None = None,
    certainty: StrPath | None = None,
    reject: float | int | None = None,
    polygons: StrPath | Sequence[StrPath] | None = None,
    areas: StrPath | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    align: Align | None = None,
    correct_shift: bool = False,
    match_radiometry: bool = False,
    threshold: float | int | None = None,
    what: str | None = None,
    calibrated: bool = False,
    min_area: float | int = 0.0,
    simplify: float | int = 0.0,
    tile_size: int = TILE_SIZE,
    overlap: int = OVERLAP,
    batch_size: int = 1,
    device: str = "auto",
    precision: Precision = "32",
    overwrite: bool = False,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ChangeSummary | MapArray:
    """Map what changed between two dates.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        before: The earlier image.
        after: The later image, on the same grid unless ``align`` is given.
        out: GeoTIFF to write: 0 unchanged, 1 changed, 255 no data; None: return the map as an array, of
            100 million pixels at most.
        probabilities: GeoTIFF to write: round(254 p), 255 no data.
        certainty: GeoTIFF to write: calibrated probability of what a pixel is called, round(254 p), 255 no
            data.
        reject: Call a pixel "not sure", 2, where it is less sure than this fraction of the validation pixels
            was, such as 0.05.
        polygons: GeoPackage (.gpkg) or GeoJSON (.geojson) to write, or several files.
        areas: CSV to write: how much changed and how much did not.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if neither date had data.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        scene_variable: Name of the array or image in files that hold several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        align: Warp the later image onto the grid of the earlier one, "bilinear" or "cubic"; None: both lie on
            one grid.
        correct_shift: Move the later image by the shift that is measured between the two, to a part of a
            pixel.
        match_radiometry: Bring it to the brightness of the earlier, by a gain and an offset for each band,
            fitted on what stayed the same.
        threshold: Least probability that counts as changed, a whole thousandth; None: the run's own, chosen
            on validation.
        what: What counts as changed, for a model that has learnt several meanings of it.
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
        on_progress: As of ``map_classes``.
        progress: Show progress on standard error.

    Raises:
        InputError: run or images cannot be read, they do not fit each other, an output exists, or parts of a
            run with other arguments are there.
    """
    dates = [path_or_scene(one, scene_variable, axes) for one in (before, after)]
    if out is None or bands is not None:
        known = open_run(_run(run), CHANGE.name)
        dates = [open_for(known, one, bands=bands) for one in dates]
    settings = ChangeMapSettings(
        probabilities=_text(probabilities),
        certainty=_text(certainty),
        reject=None if reject is None else float(reject),
        polygons=_texts(polygons or ()),
        areas=_text(areas),
        mask=_texts(mask),
        nodata=None if nodata is None else list(nodata),
        align=align,
        correct_shift=correct_shift,
        match_radiometry=match_radiometry,
        threshold=None if threshold is None else float(threshold),
        what=what,
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
    with told(on_progress, shown=progress), place_of(out, dates[0], settings) as place:
        summary = cast("ChangeSummary", pipeline.map(CHANGE, _run(run), dates, place, settings))
        return summary if out is not None else map_array(place, summary.classes)


def join_map(
    out: StrPath,
    *,
    probabilities: StrPath | None = None,
    certainty: StrPath | None = None,
    fractions: StrPath | None = None,
    polygons: StrPath | Sequence[StrPath] | None = None,
    areas: StrPath | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ClassSummary | ChangeSummary:
    """Put the map ``out`` together from the part files of its shards.

    ``probabilities``, ``certainty``, ``fractions``, ``polygons`` and ``areas`` are as the shards were given
    them; they need no naming where they lie below the folder of ``out``.

    Raises:
        InputError: parts are missing, outputs exist and ``overwrite`` is not set, or an output lies elsewhere
            and is not named.
    """
    outputs = {name: task.map_output for name, task in TASKS.items()}
    named = {
        "--probabilities": _texts(probabilities or ()),
        "--certainty": _texts(certainty or ()),
        "--fractions": _texts(fractions or ()),
        "--polygons": _texts(polygons or ()),
        "--areas": _texts(areas or ()),
    }
    further = {flag: paths for flag, paths in named.items() if paths}
    with told(on_progress, shown=progress):
        joined = join.join_map(outputs, Path(out), further=further, overwrite=overwrite)
        return cast("ClassSummary | ChangeSummary", joined)


def _run(run: StrPath | Run) -> Run | Path:
    return run if isinstance(run, Run) else Path(run)


def _text(path: StrPath | None) -> str | None:
    return None if path is None else os.fspath(path)


def _texts(paths: StrPath | Sequence[StrPath]) -> list[str]:
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]
