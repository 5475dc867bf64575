"""An explanation of GLMamba on a window of a pair: where its parts respond, and what speaks for change."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32

from terramamba.change.explain.explanation import ChangeExplanation
from terramamba.change.explain.pictures import picture_evidence
from terramamba.change.explain.window import Chosen, choose_window
from terramamba.change.pair_view import PairView, view_of
from terramamba.change.training_domain import learnt_values, notes_on_domain
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.files import write_csv
from terramamba.core.provenance import code_version
from terramamba.core.run_files import EXPLANATION
from terramamba.data.scaling import read_scaled
from terramamba.explain.activations import change_evidence
from terramamba.mapping.fit_to_run import chosen_nodata, open_for, open_run
from terramamba.mapping.value_range import training_differences
from terramamba.raster.band_matching import band_notes
from terramamba.raster.checks.pair import require_pair
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.scene import Scene
from terramamba.raster.views.cropped import cropped
from terramamba.raster.views.masked import masked, noted_of_masks
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.warped import Method
from terramamba.runs.folder import Run
from terramamba.runs.result_folder import check_result_folder, result_folder
from terramamba.training.predict import evaluating


def explain_change(
    run: str | Path | Run,
    scenes: Sequence[str | Scene],
    *,
    out: str | Path,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    window: str | None = None,
    pixel: str | None = None,
    at: str | None = None,
    size: int = 256,
    what: str | None = None,
    align: Method | None = None,
    mask: Sequence[str | Path] = (),
    nodata: Sequence[float] | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write where the parts of a GLMamba respond in a window of a pair, and why, to the folder ``out``.

    Args:
        run: Run folder, or the run itself.
        scenes: The earlier and the later image.
        out: Folder to write, new or empty.
        scene_variable: Name of the array in files that hold several.
        axes: What the axes of bare arrays hold, such as ``rows,cols,bands``; None: as the run tells.
        bands: Bands of the images that stand for the model's, in its order; None: found.
        window: The window, "ROW,COL,HEIGHT,WIDTH", from 0.
        pixel: Or the middle of it, "ROW,COL".
        at: Or that in coordinates of the images' reference system, "X,Y".
        size: Side of a window that is not named whole, in pixels.
        what: What counts as changed, for a model that has learnt several meanings of it.
        align: Warp the later image onto the grid of the earlier one; None: both lie on one grid.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if neither date had data.
        nodata: Values that are no data though the files do not say so; None: those of the training.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        overwrite: Replace an earlier explanation.

    Returns:
        The content of ``explain.json``.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    if len(scenes) != 2:
        folder, files = (
            run.folder if isinstance(run, Run) else run,
            ", ".join(one.path if isinstance(one, Scene) else one for one in scenes) or "none",
        )
        raise InputError(f"{folder}: is a run for change, which needs BEFORE and AFTER; got {files}")
    check_result_folder(out, EXPLANATION, overwrite=overwrite)
    loaded, place = open_run(run, "change"), resolve_device(device)
    model = loaded.model
    if not model.target_layers():
        raise InputError(
            f"{loaded.folder}: the model is {loaded.card.model.name}, which has no layers to explain;"
            " CSAM, BFA and CSIE are parts of glmamba, name a run of that model"
        )
    opened = [open_for(loaded, one, bands=bands, variable=scene_variable, axes=axes) for one in scenes]
    require_held(opened, nodata or ())
    known = (without_values(date, chosen_nodata(loaded, nodata)) for date in opened)
    first, second = (masked(date, mask) for date in require_pair(*known, align=align))
    dates = first, second
    view = view_of(loaded, dates, what)
    with evaluating(model, place):
        asked: dict[str, Any] = {"window": window, "pixel": pixel, "at": at, "size": size}
        chosen = choose_window(loaded, dates, **asked, device=place, view=view)
        read = [read_scaled(date, view.scaling, chosen.window) for date in dates]
        usable = read[0][1] & read[1][1]
        if not usable.any():
            raise InputError(
                f"{dates[0].path}: no pixel with data at both dates in {chosen.window}; name another"
            )
        images = torch.from_numpy(np.stack([values for values, _, _ in read])).to(place)
        evidence = change_evidence(model, images, usable, view.threshold, view.meaning)
    first, second = (cropped(date, chosen.window) for date in dates)
    found = ChangeExplanation(loaded, (first, second), usable, evidence, view.threshold)
    grid = first.grid if first.transform is not None else second.grid
    rows = [_numbers(found, i) for i in range(len(evidence.layers))]
    with result_folder(out, EXPLANATION, overwrite=overwrite) as (folder, record):
        record |= _record(found, dates, view, chosen, rows) | {"masks": [str(one) for one in mask]}
        write_csv(folder / "layers.csv", rows)
        _write_rasters(folder, found, grid)
        for kind, title in (("activation", "strength of the response"), ("cam", "Grad-CAM")):
            picture_evidence(folder / f"{NAMES[kind]}.png", found, kind, title)
    return record | {"folder": str(out)}


NAMES = {"activation": "activations", "cam": "grad_cam"}
"""What the files of each kind of layer are called."""


def separation(
    values: Float32[np.ndarray, "h w"], of: Bool[np.ndarray, "h w"], among: Bool[np.ndarray, "h w"]
) -> float:
    """Compute the chance that a pixel ``of`` the marked ones is above others ``among`` all; ties: half.

    The area under the ROC curve, from ranks; nan where one of both groups is empty.
    """
    from scipy.stats import rankdata  # an eighth of what all commands import

    chosen, ranks = of[among], rankdata(values[among])
    inside, outside = int(chosen.sum()), int((~chosen).sum())
    if not inside or not outside:
        return float("nan")
    return float((ranks[chosen].sum() - inside * (inside + 1) / 2) / (inside * outside))


def _numbers(found: ChangeExplanation, number: int) -> dict[str, Any]:
    layer = found.evidence.layers[number]
    marked, rest = found.marked, found.usable & ~found.marked
    row: dict[str, Any] = {"layer": layer.name, "cell_pixels": layer.cell}
    for kind, values in (("activation", layer.activation), ("cam", layer.cam)):
        row[f"{kind}_marked"] = float(values[marked].mean()) if marked.any() else float("nan")
        row[f"{kind}_rest"] = float(values[rest].mean()) if rest.any() else float("nan")
        row[f"{kind}_auc"] = separation(values, marked, found.usable)
    return row


def _record(
    found: ChangeExplanation,
    dates: tuple[Scene, Scene],
    view: PairView,
    chosen: Chosen,
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    marked, usable = int(found.marked.sum()), int(found.usable.sum())
    unlike = dates if learnt_values(found.run) else ()
    grid = dates[0].grid if dates[0].transform is not None else dates[1].grid
    return {
        "task": "change",
        "run": str(found.run.folder),
        "model": found.run.card.model.name,
        "before": dates[0].path,
        "after": dates[1].path,
        "notes": [
            *(f"{date.path}: {note}" for date in dates for note in band_notes(date)),
            *dict.fromkeys(note for date in dates for note in noted_of_masks(date)),
            *(note for date in unlike for note in training_differences(found.run, date)),
            *notes_on_domain(found.run, dates, grid, view.what, 1),
        ],
        "window": asdict(chosen.window),
        "window_chosen": chosen.why,
        "threshold": found.threshold,
        "usable_pixels": usable,
        "marked_pixels": marked,
        "explained": "the logits of the marked pixels"
        if marked
        else "the logits of all pixels: none is marked",
        "layers": rows,
        "code": code_version(),
    }


def _write_rasters(folder: Path, found: ChangeExplanation, grid: Grid) -> None:
    evidence = found.evidence
    bands = {"probability": {"probability of change": evidence.probability}}
    for kind, name in NAMES.items():
        bands[name] = {layer.name: getattr(layer, kind) for layer in evidence.layers}
    for name, layers in bands.items():
        if layers:
            values = np.where(found.usable, np.stack(list(layers.values())), np.float32(np.nan))
            about = {"TIFFTAG_IMAGEDESCRIPTION": f"{name} of {found.run.card.model.name}"}
            write_geotiff(
                folder / f"{name}.tif", values, grid, nodata=np.nan, band_names=list(layers), tags=about
            )
