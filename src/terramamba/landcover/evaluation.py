"""Scores of a trained classifier: on the test pixels of its own run, or on another labelled scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.core.run_files import CONFUSION
from terramamba.core.words import percent
from terramamba.data.labels.class_matching import known_targets
from terramamba.data.labels.class_table import UNLABELLED
from terramamba.data.labels.labels import read_labels, unmasked
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.patch_store import PatchStore
from terramamba.data.settings import VectorOptions
from terramamba.data.splits.leakage import TEST
from terramamba.landcover.mirrored import better_mirrored
from terramamba.landcover.patches import PatchDataset
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.scores import scores_by_name
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.smoothing_strength import chosen_smoothing, reach_of, smoothed_at
from terramamba.landcover.trained_pixels import trained_pixels
from terramamba.landcover.training_domain import notes_on_domain
from terramamba.mapping.fit_to_run import chosen_nodata, nodata_note, open_for
from terramamba.mapping.regularise import Smoothing, smoothed_logits
from terramamba.raster.band_matching import band_notes
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked, noted_of_masks
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.runs.folder import Run, write_confusion
from terramamba.runs.record import read_settings
from terramamba.scores.calibration import class_calibration
from terramamba.scores.metrics import confusion_matrix
from terramamba.training.predict import class_logits

SELDOM_RIGHT, MOSTLY_RIGHT = 0.5, 0.8
"""Codes are probably exchanged where less than this share is right, and more would be with others."""


def evaluate(
    run: Run,
    folder: Path | None = None,
    *,
    scene: str | Scene | None = None,
    labels: str | None = None,
    mask: Sequence[str] | None = None,
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    label_variable: str | None = None,
    ignore_classes: Sequence[int | str] | None = None,
    class_names: Sequence[str] | None = None,
    class_attribute: str | None = None,
    layer: str | None = None,
    labels_crs: str | None = None,
    all_touched: bool = False,
    min_coverage: float = 0.5,
    regularise: int | str = "auto",
    device: str = "auto",
) -> dict[str, Any]:
    """Score a run on its own test pixels, or on every labelled pixel of another scene that ``mask`` leaves.

    The classes of other labels are matched as ``known_targets`` says, by name or by code; pixels of classes
    that the model does not know are not scored and are named in the notes. Nor are, where
    the scene is the run's own, pixels that trained the model or chose its epoch. The options are those of
    `terramamba classify evaluate`, whose help says what each is. ``folder`` gets the confusion matrix.

    Raises:
        InputError: input that does not fit the model, or no pixel to score.
    """
    if (scene is None) != (labels is None):
        raise InputError(
            "--scene and --labels go together; name both, or neither for the run's own test pixels"
        )
    if bands is not None and scene is None:
        raise InputError("--bands goes with --scene and --labels; the run's own scene keeps its own bands")
    if mask and scene is None:
        raise InputError("--mask goes with --scene and --labels; the run's own scene keeps its own masks")
    if nodata is not None and scene is None:
        raise InputError("--nodata goes with --scene and --labels; the run's own scene keeps its own")
    if scene is None or labels is None:
        scored = _own_test(run)
    else:
        shape = label_shape(labels, label_variable)
        opened = open_for(run, scene, bands=bands, variable=scene_variable, axes=axes, shape=shape)
        vector = VectorOptions(
            class_attribute=class_attribute,
            layer=layer,
            labels_crs=labels_crs,
            all_touched=all_touched,
            min_coverage=min_coverage,
        )
        reading: dict[str, Any] = {
            "variable": label_variable,
            "vector": vector,
            "ignore": ignore_classes,
            "names": class_names,
            "known": run.classes,
            "min_classes": 1,
        }
        require_held([opened], nodata or ())
        known = masked(without_values(opened, chosen_nodata(run, nodata)), mask or ())
        scored = _elsewhere(run, known, labels, reading)
        unlike = (*nodata_note(run, nodata), *noted_of_masks(known), *notes_on_domain(run, known))
        scored = replace(scored, notes=(*scored.notes, *unlike))
    if len(scored.pixels) == 0:
        why = "; ".join(scored.notes)
        raise InputError(
            f"{labels or run.folder}: no labelled pixel of a class that the model knows; {why}".rstrip("; ")
        )
    dataset = PatchDataset(scored.store, scored.pixels, scored.targets, augment=False, seed=0)
    smoothing = chosen_smoothing(run, regularise)
    temperature = run.temperature
    if smoothing is None:
        logits, truth = class_logits(run.model, dataset, device=device)
    else:
        if scene is None:
            _require_buffer(run, smoothing)
        likely = smoothed_at(
            run.model,
            scored.scene,
            run.scaling,
            run.patches,
            scored.pixels,
            smoothing.radius,
            [smoothing.bandwidth],
            resolve_device(device),
        )
        logits, truth = smoothed_logits(likely[0]), torch.from_numpy(scored.targets)
        own = run.card.judged.regularise
        temperature = own.calibration.temperature if own is not None and own.calibration else None
    names = run.classes.names
    confusion = confusion_matrix(truth, logits.argmax(dim=1), len(names))
    calibration = None if temperature is None else class_calibration(logits, truth, temperature)
    if folder is not None:
        write_confusion(folder / CONFUSION, confusion, names)
    return {
        "protocol": scored.protocol,
        "pixels": len(scored.pixels),
        "notes": [*_doubts(confusion, names), *scored.notes],
        "regularise": None if smoothing is None else plain(smoothing),
        "confusion": confusion.tolist(),
        "test": scores_by_name(confusion, names, calibration),
        "calibration": plain(run.card.judged.calibration),
    }


def _doubts(confusion: Int[np.ndarray, "k k"], names: Sequence[str]) -> list[str]:
    """Say where scores say little, or something else than they seem to: one class alone, codes exchanged."""
    from scipy.optimize import linear_sum_assignment

    there = np.flatnonzero(confusion.sum(axis=1))
    if len(there) == 1:
        return [f"all scored pixels are of one class, {names[there[0]]}: scores say nothing of the others"]
    total, right = int(confusion.sum()), int(np.trace(confusion))
    rows, cols = linear_sum_assignment(-confusion)
    better = int(confusion[rows, cols].sum())
    if right >= SELDOM_RIGHT * total or better < MOSTLY_RIGHT * total:
        return []
    pairs = zip(rows.tolist(), cols.tolist(), strict=True)
    moved = [(row, col) for row, col in pairs if row != col and row in there]
    said = ", ".join(f"{names[row]} here is {names[col]} of the run" for row, col in moved)
    return [
        f"{percent(right / total)} of the pixels are right, but {percent(better / total)} would be where "
        f"{said}: probably the codes stand for other classes here; call them as the run does (--class-names)"
    ]


@dataclass(frozen=True, eq=False)
class _Scored:
    """The pixels to score, with the store of their patches and their 0-based classes."""

    scene: Scene
    store: PatchStore
    pixels: Int[np.ndarray, "m 2"]
    targets: Int[np.ndarray, " m"]
    protocol: str
    notes: Sequence[str]


def _require_buffer(run: Run, smoothing: Smoothing) -> None:
    """Raise ``InputError`` where smoothing reaches farther than test pixels were kept from training."""
    reach = reach_of(read_settings(run.folder, ClassifySettings).regularise)
    if smoothing.radius > reach:
        raise InputError(
            f"--regularise {smoothing.radius}: test pixels of {run.folder} keep a distance for smoothing of"
            f" {reach} pixels; give at most that, or train with more"
        )


def _own_test(run: Run) -> _Scored:
    settings = read_settings(run.folder, ClassifySettings)
    samples = prepare_samples(settings, run.patches.size, physical_values=bool(run.card.data.physical))
    if samples.split.id != run.split_id:
        raise InputError(
            f"{run.folder}: scene or labels changed since training (split {samples.split.id}, "
            f"was {run.split_id}); restore them, or score other files with --scene and --labels"
        )
    return _Scored(
        samples.scene, samples.store, samples.pixels(TEST), samples.targets(TEST), run.card.data.protocol, ()
    )


def _elsewhere(run: Run, scene: Scene, labels: str, reading: Mapping[str, Any]) -> _Scored:
    given = read_labels(labels, scene, **reading)
    given = unmasked(given, scene, need_all_classes=False)
    targets, notes = known_targets(labels, given, run.classes)
    turned = better_mirrored(scene, given, run.scaling.bands)
    notes = [*([] if turned is None else [turned]), *band_notes(scene), *notes]
    known = targets != UNLABELLED
    shape = run.patches
    store = PatchStore.read(scene, run.scaling, given.pixels.only(known), shape.size, shape.border)
    scored = known.copy()
    scored[known] = store.usable[store.kept.find(given.pixels.only(known).keys)]
    missing = int(np.count_nonzero(known & ~scored))
    if missing:
        notes.append(f"not scored, without data in a used band (NaN and infinity are none): {missing} pixels")
    trained, unknown = trained_pixels(run, scene, given.pixels)
    notes += unknown
    learnt = scored & trained
    if learnt.any():
        notes.append(
            f"not scored, they trained the model or chose its epoch: {np.count_nonzero(learnt)} pixels"
        )
        scored &= ~learnt
    pixels = given.pixels.only(scored).coordinates
    return _Scored(scene, store, pixels, targets[scored], f"external-p{shape.size}", notes)
