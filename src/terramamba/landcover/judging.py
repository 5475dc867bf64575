"""What a trained classifier is worth: scores, certainty and smoothing, all of it chosen on validation."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from terramamba.core.devices import resolve_device
from terramamba.core.files import plain
from terramamba.core.run_files import CLASS_SCORES, CONFUSION, RELIABILITY
from terramamba.data.splits.leakage import TEST, VALIDATION
from terramamba.landcover.fast_agreement import fast_agreement
from terramamba.landcover.patches import labelled_patches
from terramamba.landcover.samples import Samples
from terramamba.landcover.scores import scores_by_name, write_class_table
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.smoothing_strength import choose_smoothing, smoothed_at
from terramamba.mapping.regularise import smoothed_logits
from terramamba.models.model import Model
from terramamba.runs.folder import write_confusion
from terramamba.runs.model_card import JudgedCard, PatchShape, Regularisation
from terramamba.scores.calibration import (
    TemperatureFit,
    class_calibration,
    class_temperature,
    temperature_fit,
    write_reliability,
)
from terramamba.scores.certainty import CertaintyTable, class_certainty
from terramamba.scores.metrics import confusion_matrix
from terramamba.scores.sampling_units import from_classes, write_units
from terramamba.training.predict import class_logits
from terramamba.training.task import Judgement

Subsets = Mapping[str, tuple[Float[Tensor, "m k"], Int64[Tensor, " m"]]]
"""Logits and classes of each subset."""


def judge_classes(samples: Samples, settings: ClassifySettings, model: Model) -> Judgement:
    """Compute scores, confusion and calibration (its temperature from validation) of both subsets."""
    names = samples.labels.classes.names
    plain_subsets = {
        name: class_logits(model, labelled_patches(samples, subset, settings), device=settings.device)
        for name, subset in (("validation", VALIDATION), ("test", TEST))
    }
    fitted, certainty = _calibrated(*plain_subsets["validation"])
    regularise, subsets = _regularised(samples, settings, model, plain_subsets)
    smooth = None if regularise is None else regularise.calibration
    temperature = (smooth or fitted).temperature
    calibrations = {subset: class_calibration(*found, temperature) for subset, found in subsets.items()}
    confusions = {
        subset: confusion_matrix(truth, logits.argmax(dim=1), len(names))
        for subset, (logits, truth) in subsets.items()
    }
    scores = {
        subset: scores_by_name(confusion, names, calibrations[subset])
        for subset, confusion in confusions.items()
    }
    logits, truth = subsets["test"]
    fast = fast_agreement(
        model,
        samples.scene,
        samples.scaling,
        samples.pixels(VALIDATION),
        samples.targets(VALIDATION),
        patch_size=samples.split.patch_size,
        border=settings.border,
        device=resolve_device(settings.device),
    )
    units = from_classes(samples.pixels(TEST), truth.numpy(), logits.argmax(dim=1).numpy(), len(names))

    def write(folder: Path) -> None:
        write_confusion(folder / CONFUSION, confusions["test"], names)
        write_class_table(folder / CLASS_SCORES, scores)
        write_units(folder, units)
        write_reliability(folder / RELIABILITY, calibrations)

    card = JudgedCard(calibration=fitted, certainty=certainty, fast=fast, regularise=regularise)
    facts = {"calibration": plain(card.calibration), "fast": plain(fast)}
    if regularise is not None:
        facts["regularise"] = {
            "radius": regularise.radius,
            "bandwidth": regularise.bandwidth,
            "validation": dict(regularise.validation),
            "test_without": _accuracy(*plain_subsets["test"]),
        }
    return Judgement(scores, card, facts, write)


def _regularised(
    samples: Samples, settings: ClassifySettings, model: Model, subsets: Subsets
) -> tuple[Regularisation | None, Subsets]:
    """What validation chose of smoothing, and the subsets' logits as they are with it."""
    if settings.regularise == "off":
        return None, subsets
    shape = PatchShape(samples.split.patch_size, settings.border)
    device = resolve_device(settings.device)
    logits, truth = subsets["validation"]
    chosen, smooth = choose_smoothing(
        model,
        samples.scene,
        samples.scaling,
        shape,
        samples.pixels(VALIDATION),
        samples.targets(VALIDATION),
        logits,
        settings.regularise,
        device,
    )
    if chosen.bandwidth is None:
        return chosen, subsets
    found = smoothed_at(
        model,
        samples.scene,
        samples.scaling,
        shape,
        samples.pixels(TEST),
        chosen.radius,
        [chosen.bandwidth],
        device,
    )
    tested = (smoothed_logits(found[0]), subsets["test"][1])
    fitted, certainty = _calibrated(smooth, truth)
    chosen = replace(chosen, calibration=fitted, certainty=certainty)
    return chosen, {"validation": (smooth, truth), "test": tested}


def _accuracy(logits: Float[Tensor, "m k"], truth: Int64[Tensor, " m"]) -> float:
    return float((logits.argmax(dim=1) == truth).double().mean())


def _calibrated(
    logits: Float[Tensor, "m k"], truth: Int64[Tensor, " m"]
) -> tuple[TemperatureFit, CertaintyTable]:
    """The temperature of logits of validation pixels, and how sure they are at it."""
    found = class_calibration(logits, truth, class_temperature(logits, truth))
    likely = torch.softmax(logits.double() / found.temperature, dim=1)
    return temperature_fit(found), class_certainty(likely.numpy())
