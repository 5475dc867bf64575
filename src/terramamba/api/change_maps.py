"""Maps of change, to files or, where no file is named, as arrays."""

from collections.abc import Sequence
from typing import TypedDict, Unpack, cast, overload

from terramamba import pipeline
from terramamba.api.in_memory import SceneLike, path_or_scene
from terramamba.api.map_array import MapArray, map_array, place_of
from terramamba.api.paths import run_of, text_of, texts_of
from terramamba.change.map_output import ChangeSummary
from terramamba.change.map_worker import OVERLAP, TILE_SIZE
from terramamba.change.settings import ChangeMapSettings
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.mapping.fit_to_run import open_for, open_run
from terramamba.runs.folder import Run
from terramamba.tasks import CHANGE
from terramamba.training.settings import Precision


class ChangeMapOptions(TypedDict, total=False):
    """Keywords of ``map_change``, for its two forms."""

    probabilities: StrPath | None
    certainty: StrPath | None
    reject: float | int | None
    polygons: StrPath | Sequence[StrPath] | None
    areas: StrPath | None
    item: StrPath | None
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
    enlarge: int
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


@checked
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
    item: StrPath | None = None,
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
    enlarge: int = 1,
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
        item: STAC item (.json) to write, of the map with the files that are written beside it.
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
        enlarge: Show the model images enlarged so many times, 1 to 4, where their pixels are so many times
            larger than those it learnt from; the map stays on their own pixels.
        calibrated: Divide logits by the run's temperature, fitted on its validation pairs, so that
            probabilities hold. The run's own threshold moves with them, so that the same is marked (but for
            single pixels where tiles are blended); a given ``threshold`` is one of the new probabilities.
        min_area: Smaller areas get no polygon; in m2, or in pixels where the image has no reference system.
        simplify: How much of the steps of polygons is smoothed away, in pixels; areas stay those of pixels.
        tile_size: Side of the tiles in pixels, as the model sees them.
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
        known = open_run(run_of(run), CHANGE.name)
        dates = [open_for(known, one, bands=bands) for one in dates]
    settings = ChangeMapSettings(
        probabilities=text_of(probabilities),
        certainty=text_of(certainty),
        reject=None if reject is None else float(reject),
        polygons=texts_of(polygons or ()),
        areas=text_of(areas),
        item=text_of(item),
        mask=texts_of(mask),
        nodata=None if nodata is None else list(nodata),
        align=align,
        correct_shift=correct_shift,
        match_radiometry=match_radiometry,
        threshold=None if threshold is None else float(threshold),
        what=what,
        enlarge=enlarge,
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
        summary = cast("ChangeSummary", pipeline.map(CHANGE, run_of(run), dates, place, settings))
        return summary if out is not None else map_array(place, summary.classes)
