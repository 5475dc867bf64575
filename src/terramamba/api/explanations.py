"""What a model looks at: explanations of classes and of change."""

import os
from collections.abc import Sequence
from pathlib import Path

from terramamba.api.explanation_results import ExplainedChange, ExplainedClasses
from terramamba.api.in_memory import LabelsLike, SceneLike, label_file, path_or_scene
from terramamba.change.explain import explain as change
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.data.settings import Align
from terramamba.landcover.explain import explain as land_cover
from terramamba.runs.folder import Run
from terramamba.tasks import CHANGE, LAND_COVER


@checked
def explain_classes(
    run: StrPath | Run,
    scene: SceneLike | None = None,
    *,
    out: StrPath,
    labels: LabelsLike | None = None,
    ignore_classes: Sequence[int | str] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    nodata: Sequence[float] | None = None,
    mask: Sequence[StrPath] = (),
    pixel: str | None = None,
    at: str | None = None,
    samples: int = 500,
    bands_per_group: int | None = None,
    repeats: int = 5,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ExplainedClasses:
    """Write what a classifier attends to and which bands it needs to the folder ``out``.

    Args:
        run: Run folder, or the run itself.
        scene: Scene to explain it on; None: the run's own.
        out: Folder to write, new or empty.
        labels: Labels of the scene; None: the run's validation pixels where it is the run's own scene.
        ignore_classes: Codes or names of the labels that are left out as unlabelled.
        scene_variable: Name of the array in a file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if there were no data.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        pixel: Pixels to explain one by one, "ROW,COL ROW,COL ...", from 0.
        at: More of them, "X,Y ..." in coordinates of the scene's reference system.
        samples: Most pixels that means and importance are made of.
        bands_per_group: Neighbouring bands that are shuffled together; None: at most 24 groups.
        repeats: Times that each group is shuffled.
        seed: Of drawing and shuffling.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        overwrite: Replace an earlier explanation.
        on_progress: As of ``train_classifier``.
        progress: Show progress on standard error.

    Returns:
        What was found, which is also the content of ``explain.json``.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    in_file = scene is None or isinstance(scene, str | os.PathLike)
    held = (
        scene
        if scene is None
        else path_or_scene(scene, None if in_file else scene_variable, None if in_file else axes)
    )
    with told(on_progress, shown=progress), label_file(labels) as path:
        found = land_cover.explain_classes(
            run if isinstance(run, Run) else Path(run),
            [] if held is None else [held],
            out=Path(out),
            labels=path,
            ignore_classes=ignore_classes,
            scene_variable=scene_variable,
            axes=axes,
            bands=bands,
            nodata=None if nodata is None else [float(one) for one in nodata],
            mask=[Path(one) for one in mask],
            pixel=pixel,
            at=at,
            samples=samples,
            bands_per_group=bands_per_group,
            repeats=repeats,
            seed=seed,
            device=device,
            overwrite=overwrite,
        )
    return ExplainedClasses(LAND_COVER.name, found)


@checked
def explain_change(
    run: StrPath | Run,
    before: SceneLike,
    after: SceneLike,
    *,
    out: StrPath,
    window: str | None = None,
    pixel: str | None = None,
    at: str | None = None,
    size: int = 256,
    what: str | None = None,
    align: Align | None = None,
    mask: Sequence[StrPath] = (),
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    nodata: Sequence[float] | None = None,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> ExplainedChange:
    """Write where the parts of a GLMamba respond in a window of a pair, and why, to the folder ``out``.

    Args:
        run: Run folder, or the run itself.
        before: The earlier image.
        after: The later image.
        out: Folder to write, new or empty.
        window: The window, "ROW,COL,HEIGHT,WIDTH", from 0.
        pixel: Or the middle of it, "ROW,COL".
        at: Or that in coordinates of the images' reference system, "X,Y".
        size: Side of a window that is not named whole, in pixels.
        what: What counts as changed, for a model that has learnt several meanings of it.
        align: Warp the later image onto the grid of the earlier one; None: both lie on one grid.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if neither date had data.
        scene_variable: Name of the array or image in files that hold several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as all else tells.
        bands: Bands that stand for the model's, in its order, such as "1-4" or "red,nir"; None: found.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        overwrite: Replace an earlier explanation.
        on_progress: As of ``train_classifier``.
        progress: Show progress on standard error.

    Returns:
        What was found, which is also the content of ``explain.json``.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    dates = [path_or_scene(one, scene_variable, axes) for one in (before, after)]
    with told(on_progress, shown=progress):
        found = change.explain_change(
            run if isinstance(run, Run) else Path(run),
            dates,
            out=Path(out),
            window=window,
            pixel=pixel,
            at=at,
            size=size,
            what=what,
            align=align,
            mask=[Path(one) for one in mask],
            bands=bands,
            nodata=None if nodata is None else [float(one) for one in nodata],
            device=device,
            overwrite=overwrite,
        )
    return ExplainedChange(CHANGE.name, found)
