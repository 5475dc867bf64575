"""Training and scoring: each function looks up its job and hands it to the engine that does the work."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from terramamba import pipeline
from terramamba.api.in_memory import LabelsLike, SceneLike, kept_labels, kept_scene, label_file, path_or_scene
from terramamba.api.results import EvaluationResult, TrainResult
from terramamba.change.settings import ChangeSettings
from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.output_place import named
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.landcover.settings import ClassifySettings, Regularise
from terramamba.runs.folder import Run, check_folder
from terramamba.tasks import CHANGE, LAND_COVER, task_of
from terramamba.training.plan import Plan

S = TypeVar("S", ClassifySettings, ChangeSettings)

INPUTS = "-inputs"
"""Ends the name of the folder beside a run with what was given in memory to train it."""


@checked
def train_classifier(
    settings: ClassifySettings,
    *,
    scene: SceneLike | None = None,
    labels: LabelsLike | None = None,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> TrainResult:
    """Train a land-cover classifier, choose the best epoch on validation, score once on test; write the run.

    Args:
        settings: All that ``terramamba classify train`` can be told; what is left out the recipe decides.
        scene: In place of ``settings.scene``: also a scene, an array of xarray or an open dataset of
            rasterio. What is in memory alone is written to the folder ``OUT-inputs``, so that the run can be
            scored and gone on with.
        labels: In place of ``settings.labels``: also a GeoDataFrame, or whole numbers (rows, columns) of
            which 0 is unlabelled; written as ``scene`` is.
        on_progress: Called with what is done, the total, and of what; what it raises, such as ``Cancelled``,
            ends the training, which goes on from its last complete epoch with ``settings.resume``.
        progress: Show progress on standard error.

    Returns:
        The content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    given = {"scene": scene, "labels": labels}
    for name, value in given.items():
        if value is not None and (said := getattr(settings, name)) is not None:
            raise InputError(f"--{name}: the settings have {said} already; give one of both")
    if scene is not None or labels is not None:
        how = {"resume": settings.resume, "overwrite": settings.overwrite}
        out = check_folder(settings.out, **how, seeds=settings.seeds)
        inputs = (beside := named(out)).with_name(beside.name + INPUTS)
        if scene is not None:
            settings = replace(settings, scene=kept_scene(scene, inputs))
        if labels is not None:
            settings = replace(settings, labels=kept_labels(labels, inputs))
    with told(on_progress, shown=progress):
        return TrainResult(LAND_COVER.name, pipeline.train(LAND_COVER, settings))


@checked
def train_change_detector(
    settings: ChangeSettings, *, on_progress: OnProgress | None = None, progress: bool = True
) -> TrainResult:
    """Train a change detector, choose epoch and threshold on validation, score once on test; write the run.

    Takes, returns and raises as ``train_classifier``.
    """
    with told(on_progress, shown=progress):
        return TrainResult(CHANGE.name, pipeline.train(CHANGE, settings))


@checked
def resolved(settings: S) -> S:
    """Return ``settings`` with all that they leave to the recipe decided, as training would keep them.

    Opens the files and looks at the device, but writes nothing.

    Raises:
        InputError: as training.
    """
    return pipeline.resolved(task_of(settings), settings)


@checked
def plan_training(settings: S) -> Plan:
    """Say what training would understand of the files and what it would do; writes nothing.

    Returns a plan whose ``text()`` is what ``--dry-run`` prints.

    Raises:
        InputError: as training.
    """
    return pipeline.plan_training(task_of(settings), settings)


@checked
def evaluate_classifier(
    run: StrPath | Run,
    *,
    scene: SceneLike | None = None,
    labels: LabelsLike | None = None,
    mask: Sequence[StrPath] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    nodata: Sequence[float] | None = None,
    label_variable: str | None = None,
    ignore_classes: Sequence[int | str] | None = None,
    class_names: Sequence[str] | None = None,
    class_attribute: str | None = None,
    layer: str | None = None,
    labels_crs: str | None = None,
    all_touched: bool = False,
    min_coverage: float | int = 0.5,
    regularise: Regularise = "auto",
    device: str = "auto",
    out: StrPath | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> EvaluationResult:
    """Score a classifier on the test pixels of its own run, or on all labelled pixels of another scene.

    The classes of other labels are matched by name where both sides have names, else by their codes; pixels
    of classes that the model does not know are not scored and are named in the notes. Nor are, where the
    scene is the run's own, pixels that trained the model or chose its epoch.

    Args:
        run: Run folder, or the run itself.
        scene: Another scene; None: the run's own.
        labels: Labels of that scene: a file, a GeoDataFrame, or whole numbers (rows, columns).
        mask: Rasters (not 0) and files of polygons (inside) of what is left out of the scene.
        scene_variable: Name of the array or image in a scene's file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        label_variable: The same of the labels' file.
        ignore_classes: Codes or names of the labels that are left out as unlabelled; "none": not even 0.
        class_names: Names of the labels' classes, in the order of their codes; None: those of their file.
        class_attribute: Attribute of a vector file that says the class.
        layer: Layer of a vector file.
        labels_crs: Reference system of labels whose file states none, such as "EPSG:32633".
        all_touched: A polygon labels every pixel that it covers any part of.
        min_coverage: Share of a pixel that a polygon must cover to label it.
        regularise: "auto": smooth class probabilities as the run's validation chose; "off"; or so many pixels
            far.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        out: Folder to write: scores.json, confusion.csv and, for change, a map of each pair's errors.
        overwrite: Replace earlier scores in that folder.
        on_progress: As of ``train_classifier``.
        progress: Show progress on standard error.

    Raises:
        InputError: a damaged run, one for another task, input that does not fit the model, no pixel to score.
    """
    in_file = scene is None or isinstance(scene, str | os.PathLike)
    given = (
        scene
        if scene is None
        else path_or_scene(scene, None if in_file else scene_variable, None if in_file else axes)
    )
    with told(on_progress, shown=progress), label_file(labels) as path:
        found = pipeline.evaluate(
            LAND_COVER,
            run if isinstance(run, Run) else Path(run),
            scene=given,
            labels=path,
            mask=None if mask is None else [str(one) for one in mask],
            scene_variable=scene_variable,
            axes=axes,
            bands=bands,
            nodata=None if nodata is None else [float(one) for one in nodata],
            label_variable=label_variable,
            ignore_classes=ignore_classes,
            class_names=class_names,
            class_attribute=class_attribute,
            layer=layer,
            labels_crs=labels_crs,
            all_touched=all_touched,
            min_coverage=float(min_coverage),
            regularise=regularise,
            device=device,
            out=None if out is None else Path(out),
            overwrite=overwrite,
        )
    return EvaluationResult(LAND_COVER.name, found)


@checked
def evaluate_change_detector(
    run: StrPath | Run,
    *,
    data: StrPath,
    split: str = "test",
    root: StrPath | None = None,
    align: Align | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    nodata: Sequence[float] | None = None,
    threshold: float | int | None = None,
    what: str | None = None,
    enlarge: int = 1,
    changed_values: Sequence[str | int] | None = None,
    unchanged_values: Sequence[str | int] | None = None,
    ignore_values: Sequence[str | int] | None = None,
    changed_attribute: str | None = None,
    area: StrPath | None = None,
    device: str = "auto",
    out: StrPath | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> EvaluationResult:
    """Score a change detector on image pairs with change masks.

    Args:
        run: Run folder, or the run itself.
        data: Folder of pairs, a CSV of them, or the name of a set of the catalogue.
        split: Subset of the pairs to score on: train, val or test.
        root: Folder that holds the set which ``data`` names, or that paths in a CSV are relative to.
        align: Warp the later date onto the grid of the earlier, "bilinear" or "cubic".
        scene_variable: Name of the array or image in files that hold several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        threshold: Least probability that counts as changed, in thousandths; None: the run's own.
        what: What counts as changed, for a model that has learnt several meanings of it, where the pairs do
            not say it themselves.
        enlarge: As of ``map_change``.
        changed_values: Values in change masks that mean changed, such as 255 or "128-255"; None: as in the
            run's own masks where these have all values, else found from all masks of ``data``.
        unchanged_values: Values that mean unchanged.
        ignore_values: Values that mean no reference.
        changed_attribute: Attribute of labels drawn as polygons whose values these are, or two with a comma
            between them, where those changed whose two differ.
        area: Polygons of what was looked at, for labels drawn as polygons.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        out: Folder to write: scores.json, confusion.csv and, for change, a map of each pair's errors.
        overwrite: Replace earlier scores in that folder.
        on_progress: As of ``train_classifier``.
        progress: Show progress on standard error.

    Raises:
        InputError: a threshold that is no whole thousandth, no labelled pair, or pairs that do not fit the
            model.
    """
    with told(on_progress, shown=progress):
        found = pipeline.evaluate(
            CHANGE,
            run if isinstance(run, Run) else Path(run),
            data=str(data),
            split=split,
            root=None if root is None else str(root),
            align=align,
            scene_variable=scene_variable,
            axes=axes,
            bands=bands,
            nodata=None if nodata is None else [float(one) for one in nodata],
            threshold=None if threshold is None else float(threshold),
            what=what,
            enlarge=enlarge,
            changed_values=_texts(changed_values),
            unchanged_values=_texts(unchanged_values),
            ignore_values=_texts(ignore_values),
            changed_attribute=changed_attribute,
            area=None if area is None else str(area),
            device=device,
            out=None if out is None else Path(out),
            overwrite=overwrite,
        )
    return EvaluationResult(CHANGE.name, found)


def _texts(values: Sequence[str | int] | None) -> list[str] | None:
    return None if values is None else [str(value) for value in values]
