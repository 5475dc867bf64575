"""An explanation of a classifier: attention by class and pixel, and which bands it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.progress import progress
from terramamba.core.provenance import code_version
from terramamba.core.run_files import EXPLANATION
from terramamba.explain.attention import Attention, attention_facts, classify_patches
from terramamba.explain.importance import band_groups, permutation_importance
from terramamba.explain.pixels import Pixel, as_pixels, named_pixels
from terramamba.landcover.explain.explanation import ClassExplanation, PixelAnswer
from terramamba.landcover.explain.files import write_attention, write_importance, write_pixels
from terramamba.landcover.explain.patches import Patches, read_patches
from terramamba.landcover.explain.pixels import Chosen, choose_pixels
from terramamba.landcover.training_domain import notes_on_domain
from terramamba.mapping.fit_to_run import chosen_nodata, nodata_note, open_run
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked, noted_of_masks
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.runs.folder import Run
from terramamba.runs.result_folder import check_result_folder, result_folder
from terramamba.scores.metrics import average_accuracy, overall_accuracy


def explain_classes(
    run: str | Path | Run,
    scenes: Sequence[str | Scene] = (),
    *,
    out: str | Path,
    labels: str | None = None,
    ignore_classes: Sequence[int | str] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    mask: Sequence[str | Path] = (),
    nodata: Sequence[float] | None = None,
    pixel: str | None = None,
    at: str | None = None,
    samples: int = 500,
    bands_per_group: int | None = None,
    repeats: int = 5,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write what a classifier attends to and which bands it needs to the folder ``out``.

    Args:
        run: Run folder, or the run itself.
        scenes: The scene to explain it on; none: the run's own.
        out: Folder to write, new or empty.
        labels: Labels of the scene; None: the run's validation pixels where it is the run's own scene.
        ignore_classes: Codes or names of the labels that are left out as unlabelled.
        scene_variable: Name of the array in a file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``; None: as the run tells.
        bands: Bands of the scene that stand for the model's, in its order; None: found.
        mask: Rasters (not 0) and files of polygons (inside) of what is left out, as if there were no data.
        nodata: Values that are no data though the file does not say so; None: those of the training.
        pixel: Pixels to explain one by one, "ROW,COL ROW,COL ...", from 0.
        at: More of them, "X,Y ..." in coordinates of the scene's reference system.
        samples: Most pixels that means and importance are made of.
        bands_per_group: Neighbouring bands that are shuffled together; None: at most 24 groups.
        repeats: Times that each group is shuffled.
        seed: Of drawing and shuffling.
        device: cpu, cuda, cuda:1, mps, or auto: a GPU when there is one.
        overwrite: Replace an earlier explanation.

    Returns:
        The content of ``explain.json``.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    if len(scenes) > 1:
        folder, files = (
            run.folder if isinstance(run, Run) else run,
            ", ".join(one.path if isinstance(one, Scene) else one for one in scenes),
        )
        raise InputError(f"{folder}: is a run for classify, which takes one SCENE; got {files}")
    check_result_folder(out, EXPLANATION, overwrite=overwrite)
    if samples < 2:
        raise InputError(f"--samples {samples}: at least 2 are needed")
    loaded, place = open_run(run, "classify"), resolve_device(device)
    groups = band_groups(loaded.scaling.bands, loaded.card.data.wavelengths, bands_per_group)
    scene = scenes[0] if scenes else None
    everything = choose_pixels(
        loaded, scene, labels, variable=scene_variable, axes=axes, bands=bands, ignore=ignore_classes
    )
    require_held([everything.scene], nodata or ())
    known = without_values(everything.scene, chosen_nodata(loaded, nodata))
    seen = masked(known, mask)
    unlike = [] if scene is None else [*nodata_note(loaded, nodata), *notes_on_domain(loaded, seen)]
    everything = replace(everything, scene=seen, notes=(*everything.notes, *noted_of_masks(seen), *unlike))
    named = named_pixels(everything.scene.path, everything.scene.grid, pixel, at)
    chosen, images = _with_data(everything.drawn(samples, seed), loaded)
    answers, patches = _answers(loaded, everything, named, place)
    logits, attention = classify_patches(loaded.model, images, place)
    importance = None
    if chosen.targets is not None:
        with progress("shuffle bands", 1 + repeats * len(groups), "passes") as advance:
            importance = permutation_importance(
                lambda patches: classify_patches(loaded.model, patches, place)[0],
                images,
                chosen.targets,
                groups,
                num_classes=len(loaded.classes),
                repeats=repeats,
                seed=seed,
                advance=advance,
            )
    found = ClassExplanation(
        loaded,
        chosen,
        logits.argmax(dim=1).numpy() if chosen.targets is None else chosen.targets,
        chosen.targets is not None,
        attention,
        groups,
        importance,
        answers,
        patches,
    )
    with result_folder(out, EXPLANATION, overwrite=overwrite) as (folder, record):
        record |= _record(found, {"samples": samples, "repeats": repeats, "seed": seed})
        record["masks"] = [str(one) for one in mask]
        write_attention(folder, found)
        write_importance(folder, found)
        write_pixels(folder, found)
    return record | {"folder": str(out)}


def _with_data(chosen: Chosen, run: Run) -> tuple[Chosen, Float32[Tensor, "m c p p"]]:
    patches = read_patches(chosen.scene, run, chosen.pixels)
    if not patches.usable.any():
        raise InputError(f"{chosen.scene.path}: no data at any of the {chosen.words}; name another scene")
    return chosen.only(patches.usable), patches.images[torch.from_numpy(patches.usable)]


def _answers(
    run: Run, chosen: Chosen, pixels: Sequence[Pixel], device: torch.device
) -> tuple[tuple[PixelAnswer, ...], Patches]:
    patches = read_patches(chosen.scene, run, pixels)
    for (row, col), usable in zip(pixels, patches.usable, strict=True):
        if not usable:
            raise InputError(f"{chosen.scene.path}: no data at row {row}, column {col}; name another pixel")
    if not pixels:
        return (), patches
    logits, attention = classify_patches(run.model, patches.images, device)
    probability = torch.softmax(logits, dim=1).numpy()
    return tuple(
        PixelAnswer(
            pixel,
            probability[i],
            None if attention is None else Attention(attention.weights[i : i + 1], attention.maps),
        )
        for i, pixel in enumerate(pixels)
    ), patches


def _record(found: ClassExplanation, how: Mapping[str, Any]) -> dict[str, Any]:
    importance = found.importance
    names = found.names
    return {
        "task": "classify",
        "run": str(found.run.folder),
        "model": found.run.card.model.name,
        "scene": found.chosen.scene.path,
        "pixels": {
            "count": len(found.classes),
            "which": found.chosen.words,
            "classes_from": "labels" if found.truth else "predictions",
            **how,
        },
        "notes": list(found.chosen.notes),
        "attention": None if found.attention is None else attention_facts(found.attention),
        "importance": None
        if importance is None
        else {
            "oa": float(overall_accuracy(importance.base)),
            "aa": float(average_accuracy(importance.base)),
            "groups": [
                {"name": group.name, **_drop("oa", importance.oa[i]), **_drop("aa", importance.aa[i])}
                for i, group in enumerate(found.groups)
            ],
        },
        "named_pixels": [
            {
                "pixel": as_pixels([answer.pixel])[0],
                "class": names[int(answer.probability.argmax())],
                "probability": {name: float(p) for name, p in zip(names, answer.probability, strict=True)},
            }
            for answer in found.answers
        ],
        "code": code_version(),
    }


def _drop(score: str, drops: np.ndarray) -> dict[str, float]:
    many = len(drops) > 1
    return {
        f"{score}_drop": float(drops.mean()),
        f"{score}_drop_std": float(drops.std(ddof=1)) if many else float("nan"),
    }
