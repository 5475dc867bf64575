"""Maps of land cover, to files or, where no file is named, as arrays."""

from collections.abc import Sequence
from typing import TypedDict, Unpack, cast, overload

from terramamba import pipeline
from terramamba.api.in_memory import SceneLike, path_or_scene
from terramamba.api.map_array import MapArray, map_array, place_of
from terramamba.api.paths import run_of, text_of, texts_of
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.landcover.map_summary import ClassSummary
from terramamba.landcover.settings import ClassMapSettings, Mode, Regularise
from terramamba.mapping.fit_to_run import open_for, open_run
from terramamba.runs.folder import Run
from terramamba.tasks import LAND_COVER
from terramamba.training.settings import Precision


class ClassMapOptions(TypedDict, total=False):
    """Keywords of ``map_classes``, for its two forms."""

    probabilities: StrPath | None
    certainty: StrPath | None
    reject: float | int | None
    fractions: StrPath | None
    polygons: StrPath | Sequence[StrPath] | None
    areas: StrPath | None
    item: StrPath | None
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


@overload
def map_classes(
    run: StrPath | Run, scene: SceneLike, out: StrPath, **options: Unpack[ClassMapOptions]
) -> ClassSummary: ...


@overload
def map_classes(
    run: StrPath | Run, scene: SceneLike, out: None = None, **options: Unpack[ClassMapOptions]
) -> MapArray: ...


@checked
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
    item: StrPath | None = None,
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
            probabilities; of ``pretrained_classifier`` alone.
        polygons: GeoPackage (.gpkg) or GeoJSON (.geojson) to write the patches of each class to, or several.
        areas: CSV to write: how much there is of each class.
        item: STAC item (.json) to write, of the map with the files that are written beside it.
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
        image = open_for(open_run(run_of(run), LAND_COVER.name), image, bands=bands)
    settings = ClassMapSettings(
        probabilities=text_of(probabilities),
        certainty=text_of(certainty),
        reject=None if reject is None else float(reject),
        fractions=text_of(fractions),
        polygons=texts_of(polygons or ()),
        areas=text_of(areas),
        item=text_of(item),
        mask=texts_of(mask),
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
        summary = cast("ClassSummary", pipeline.map(LAND_COVER, run_of(run), [image], place, settings))
        return summary if out is not None else map_array(place, summary.classes)
