"""The public functions: each looks up its job and hands it to the engine that does the work."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from terramamba import pipeline
from terramamba.change.map_output import ChangeSummary
from terramamba.change.map_worker import OVERLAP, TILE_SIZE
from terramamba.change.settings import ChangeMapSettings, ChangeSettings
from terramamba.core.files import StrPath
from terramamba.experiments import experiment
from terramamba.landcover.map_output import ClassSummary
from terramamba.landcover.settings import ClassifySettings, ClassMapSettings, Mode
from terramamba.mapping import join
from terramamba.mapping.area_table import ClassArea
from terramamba.raster.scene import Scene
from terramamba.raster.views.warped import Method
from terramamba.report import page
from terramamba.report.maps import MapFiles
from terramamba.runs.folder import Run
from terramamba.runs.record import read_runs
from terramamba.tasks import CHANGE, LAND_COVER, TASKS, task_named
from terramamba.training.settings import Precision

__all__ = [
    "ChangeSummary",
    "ClassArea",
    "ClassSummary",
    "evaluate_change_detector",
    "evaluate_classifier",
    "join_map",
    "map_change",
    "map_classes",
    "run_experiment",
    "train_change_detector",
    "train_classifier",
    "write_report",
]


def train_classifier(settings: ClassifySettings) -> dict[str, Any]:
    """Train a land-cover classifier, choose the best epoch on validation, score once on test; write the run.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    return pipeline.train(LAND_COVER, settings)


def train_change_detector(settings: ChangeSettings) -> dict[str, Any]:
    """Train a change detector, choose epoch and threshold on validation, score once on test; write the run.

    Returns and raises as ``train_classifier``.
    """
    return pipeline.train(CHANGE, settings)


def evaluate_classifier(run: str | Path | Run, **options: Any) -> dict[str, Any]:
    """Score a classifier; the options are those of ``landcover.evaluation.evaluate``."""
    return pipeline.evaluate(LAND_COVER, run, **options)


def evaluate_change_detector(run: str | Path | Run, **options: Any) -> dict[str, Any]:
    """Score a change detector; the options are those of ``change.evaluation.evaluate``."""
    return pipeline.evaluate(CHANGE, run, **options)


def map_classes(
    run: str | Path | Run,
    scene: StrPath | Scene,
    out: str | Path,
    *,
    probabilities: str | Path | None = None,
    areas: str | Path | None = None,
    masks: Sequence[str | Path] = (),
    mode: Mode = "exact",
    tilings: int = 1,
    tolerance: float = 0.3,
    calibrated: bool = False,
    batch_size: int = 128,
    device: str = "auto",
    precision: Precision = "32",
    overwrite: bool = False,
    strip_rows: int | None = None,
    workers: int = 1,
    dask: str | None = None,
    shard: str | None = None,
) -> ClassSummary:
    """Map the classes of every pixel of ``scene``.

    A run that was ended goes on when it is called again with the same arguments.

    Args:
        run: Run folder (model.safetensors and model.json suffice) or loaded run.
        scene: Path of a scene with the bands of the model, or an open scene.
        out: GeoTIFF to write: 0 no data, else the code that the training labels have for the class.
        probabilities: GeoTIFF to write with one band for each class: round(254 p), 255 no data.
        areas: CSV to write: how much there is of each class.
        masks: Rasters whose pixels that are not 0 are left out as if they had no data.
        mode: "exact": each pixel is classified by its own patch. "fast": by the tokens around it of tiles
            that do not overlap, tens of times faster (see ``landcover.fast``). "auto": as fast as
            ``tolerance`` allows.
        tilings: With "fast", shifted tilings whose tokens are averaged: 1, 2, 4 or 9.
        tolerance: With "auto", percentage points of overall accuracy on the run's validation pixels that may
            be lost against exact.
        calibrated: Divide logits by the run's temperature, fitted on its validation pixels, so that
            probabilities hold; no pixel changes its class.
        batch_size: Patches that go through the model together; changes speed and memory alone.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        precision: "32", or "bf16" for matrix products in bfloat16.
        overwrite: Replace existing outputs, and the parts of a run with other arguments.
        strip_rows: Rows mapped together; None: as many as fit. Changes speed and memory alone.
        workers: Processes that share the work.
        dask: Address of the scheduler of a Dask cluster that does the work.
        shard: "i/n": do every n-th part from the i-th on, and write nothing yet: ``join_map`` does.

    Raises:
        InputError: the run or scene cannot be read, they do not fit each other, an output exists, or parts
            of a run with other arguments are there.
    """
    settings = ClassMapSettings(
        probabilities=None if probabilities is None else str(probabilities),
        areas=None if areas is None else str(areas),
        mask=_as_texts(masks),
        mode=mode,
        tilings=tilings,
        tolerance=tolerance,
        calibrated=calibrated,
        batch_size=batch_size,
        device=device,
        precision=precision,
        overwrite=overwrite,
        strip_rows=strip_rows,
        workers=workers,
        dask=dask,
        shard=shard,
    )
    return cast("ClassSummary", pipeline.map(LAND_COVER, run, [scene], out, settings))


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
    settings = ChangeMapSettings(
        probabilities=None if probabilities is None else str(probabilities),
        polygons=_as_texts(polygons),
        areas=None if areas is None else str(areas),
        mask=_as_texts(masks),
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
    return cast("ChangeSummary", pipeline.map(CHANGE, run, [before, after], out, settings))


def join_map(out: str | Path, *, overwrite: bool = False) -> ClassSummary | ChangeSummary:
    """Put the map ``out`` together from the part files of its shards: ``mapping.join.join_map``."""
    outputs = {name: task.map_output for name, task in TASKS.items()}
    return cast("ClassSummary | ChangeSummary", join.join_map(outputs, out, overwrite=overwrite))


def write_report(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    map_files: MapFiles | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one HTML page about ``runs``, and about the map in ``map_files`` that the first of them made.

    Raises:
        InputError: a run or file cannot be read, they do not belong together, or ``out`` exists.
    """
    records = read_runs(runs)
    task = task_named(records[0].task)
    return page.write_report(task, records, out, map_files=map_files, overwrite=overwrite)


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    variables: Mapping[str, Any] | None = None,
    jobs: int = 1,
    device: str = "auto",
    overwrite: bool = False,
) -> experiment.Outcome:
    """Do every run of an experiment's YAML file that is not done; write results and tables to ``out``.

    Runs in ``out`` that were ended go on. ``overwrite`` trains anew those that have other settings.

    Raises:
        InputError: a file that is wrong, with the key; or runs in ``out`` with other settings.
    """
    return experiment.run_experiment(
        file,
        out,
        tasks=TASKS,
        train=pipeline.train,
        variables=variables,
        jobs=jobs,
        device=device,
        overwrite=overwrite,
    )


def _as_texts(paths: str | Path | Sequence[str | Path] | None) -> list[str]:
    several = paths if isinstance(paths, Sequence) and not isinstance(paths, str) else [paths]
    return [str(path) for path in several if path is not None]
