"""The second job: image pairs with change masks -> a trained change detector with honest scores."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

from terramamba._version import __version__
from terramamba.change.samples import PairDataset
from terramamba.change.scores import THRESHOLDS, PairCounts, count_pairs, pair_scores, write_thresholds
from terramamba.change.settings import ChangeSettings
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.progress import progress
from terramamba.core.provenance import code_version
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.image_pair import PairFiles, same_files
from terramamba.data.pairs.quality_report import survey
from terramamba.data.pairs.statistics import fit_pair_scaling
from terramamba.data.scaling import Scaling
from terramamba.models.registry import create_model, model_spec, save_model
from terramamba.raster.views.warped import Method
from terramamba.report import write_run_pages
from terramamba.runs.folder import check_folder, run_folder, write_confusion, write_json
from terramamba.runs.repeats import train_seeds
from terramamba.scored_pairs import ScoredPairs
from terramamba.scores.calibration import (
    RELIABILITY,
    calibration_card,
    change_calibration,
    change_temperature,
    write_reliability,
)
from terramamba.scores.metrics import confusion_at
from terramamba.scores.sampling_units import Units, from_confusions, write_units
from terramamba.training.fit import TrainConfig, config_for, fit, seed_everything

CLASSES = ("unchanged", "changed")
PARTS = ("train", "val", "test")

ThresholdFrom = Literal["validation", "given", "fixed"]
"""Where a run's threshold is from: chosen on validation, given, or 0.5 by a detector that is not trained."""


def train_change_detector(settings: ChangeSettings) -> dict[str, Any]:
    """Train, choose epoch and threshold on validation, score once on test; write the run folder.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    result = train_seeds(settings, _train_one)
    write_run_pages(result["folder"])
    return result


def _train_one(settings: ChangeSettings) -> dict[str, Any]:
    spec = model_spec(settings.model)
    if spec.task != "change":
        raise InputError(f"--model {settings.model}: it is for {spec.task}; see `terramamba models`")
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    resolve_device(settings.device)  # before anything is written
    found, published, unlike = load_pairs(
        settings.data, settings.root, settings.align, settings.scene_variable
    )
    pairs = _three_parts(found, settings.data, published, chosen_on_test=settings.chosen_on_test)
    example, _ = pairs["train"][0].open()
    scaling = fit_pair_scaling(pairs["train"], example.bands)
    config = config_for(spec, settings) if spec.trainable else None
    seed_everything(settings.seed)
    model = create_model(
        settings.model, preset=settings.preset, **({"in_channels": example.bands} | settings.set)
    )
    split = split_record(pairs)
    notes = [*unlike, *_in_two_parts(pairs), *survey(pairs)]
    with run_folder(settings) as folder:
        write_json(folder / "split.json", split)
        start = time.monotonic()
        fitted = _fit(model, config, settings, pairs, scaling, folder)
        fitted["minutes"] = (time.monotonic() - start) / 60
        chosen = fitted.pop("threshold")
        threshold = chosen if settings.threshold is None else settings.threshold
        counts = {
            name: counted(model, pairs[part], scaling, device=settings.device)
            for name, part in (("validation", "val"), ("test", "test"))
        }
        temperature = change_temperature(counts["validation"].logits)
        calibrations = {name: change_calibration(of.logits, temperature) for name, of in counts.items()}
        scores = {name: pair_scores(of, threshold, calibrations[name]) for name, of in counts.items()}
        about = {
            "task": "change",
            "protocol": protocol_id(pairs, settings.chosen_on_test, published),
            "split_id": split["id"],
            "threshold": threshold,
            "threshold_from": _threshold_from(settings, config),
            "calibration": calibration_card(calibrations["validation"]),
        }
        card = {
            "terramamba": __version__,
            "commit": code_version()["commit"],
            "source_bands": example.bands,
            "wavelengths": example.wavelengths,
            "scaling": scaling.to_dict(),
            "classes": [{"code": code, "name": name} for code, name in enumerate(CLASSES)],
        }
        save_model(model, folder, about | card)
        write_confusion(folder / "confusion.csv", np.array(scores["test"]["confusion"]), CLASSES)
        write_units(folder, _units(pairs["test"], counts["test"], threshold))
        write_thresholds(folder / THRESHOLDS, counts, threshold)
        write_reliability(folder / RELIABILITY, calibrations)
        result = {
            "folder": str(folder),
            **about,
            "pairs": {part: len(files) for part, files in pairs.items()},
            "notes": notes,
            "seed": settings.seed,
            "model": settings.model,
            "preset": settings.preset or spec.default_preset,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **fitted,
            **scores,
            "code": code_version(),
        }
        write_json(folder / "metrics.json", result)
    return result


def labelled_pairs(
    data: str,
    root: str | None,
    *,
    chosen_on_test: bool,
    align: Method | None = None,
    variable: str | None = None,
) -> dict[str, list[PairFiles]]:
    """The labelled pairs of ``data`` by part: train, val and test, all three present.

    Raises:
        InputError: a part or a label is missing, or training or validation share images with test.
    """
    found, published, _ = load_pairs(data, root, align, variable)
    return _three_parts(found, data, published, chosen_on_test=chosen_on_test)


def _three_parts(
    pairs: Mapping[str, list[PairFiles]], data: str, published: str | None, *, chosen_on_test: bool
) -> dict[str, list[PairFiles]]:
    for part in PARTS:
        if not pairs.get(part):
            raise InputError(
                f"{data}: no {part} pairs; training needs train, val (chooses epoch and threshold) and test"
            )
        unlabelled = [pair for pair in pairs[part] if pair.label is None]
        if unlabelled:
            raise InputError(
                f"{unlabelled[0].before}: no label for this {part} pair; add it or remove the pair"
            )
    # A few copies in a published set are noted: it has to be scored as it is.
    few = 0 if published is None else len(pairs["test"]) - 1
    shared = same_files(pairs["train"], pairs["test"])
    if len(shared) > few:
        raise InputError(
            f"{data}: training and test share {shared[0]}; a score on what was trained on says nothing. "
            "Take it out of one of them"
        )
    shared = same_files(pairs["val"], pairs["test"])
    if len(shared) > few and not chosen_on_test:
        raise InputError(
            f"{data}: validation and test share {shared[0]}; a score chosen on its own test set says "
            "nothing. Part them, or insist with --chosen-on-test"
        )
    return {part: pairs[part] for part in PARTS}


def _in_two_parts(pairs: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """Notes on pairs that lie in two parts and were let pass: as published, or because somebody insists."""
    notes = []
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = same_files(pairs[first], pairs[second])
        if shared:
            notes.append(
                f"{len(shared)} of {len(pairs[second])} {second} pairs are {first} pairs too, the first "
                f"{shared[0]}"
            )
    return notes


def _threshold_from(settings: ChangeSettings, config: TrainConfig | None) -> ThresholdFrom:
    if settings.threshold is not None:
        return "given"
    return "validation" if config is not None else "fixed"


def _fit(
    model: nn.Module,
    config: TrainConfig | None,
    settings: ChangeSettings,
    pairs: Mapping[str, list[PairFiles]],
    scaling: Scaling,
    folder: Path,
) -> dict[str, Any]:
    """Train in place and say how it went; without ``config`` there is nothing to train."""
    if config is None:
        return {"threshold": 0.5, "device": str(resolve_device(settings.device))}
    train = PairDataset(
        pairs["train"],
        scaling,
        crop_size=settings.crop_size,
        crops_per_pair=settings.crops_per_pair,
        augment=settings.augment,
        exchange_dates=settings.exchange_dates,
        jitter=settings.jitter,
        seed=settings.seed,
    )
    with progress(f"train {settings.model}", config.epochs, "epochs") as advance:
        outcome = fit(
            model,
            "change",
            train,
            ScoredPairs(pairs["val"], scaling),
            config,
            folder,
            resume=settings.resume,
            on_progress=advance,
        )
    return asdict(outcome) | {"device": str(resolve_device(config.device))}


def counted(model: nn.Module, pairs: Sequence[PairFiles], scaling: Scaling, *, device: str) -> PairCounts:
    """What ``model`` says of whole ``pairs``, as they are and with the dates swapped."""
    swapped = [pair.swapped() for pair in pairs]
    return count_pairs(model, ScoredPairs(pairs, scaling), ScoredPairs(swapped, scaling), device=device)


def _units(pairs: Sequence[PairFiles], counts: PairCounts, threshold: float) -> Units:
    confusions = np.stack([confusion_at(histogram, threshold) for histogram in counts.histograms])
    return from_confusions([pair.name for pair in pairs], confusions)


def split_record(pairs: Mapping[str, Sequence[PairFiles]]) -> dict[str, Any]:
    """Which pairs are in which part, with an id that two runs on the same parts share."""
    names = {part: [pair.name for pair in files] for part, files in pairs.items()}
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return {"id": digest[:12], "kind": "given", "pairs": names}


def protocol_id(
    pairs: Mapping[str, Sequence[PairFiles]], chosen_on_test: bool, name: str | None = None
) -> str:
    """A short name of what was scored on what: a published set's ``name``, else as ``pairs-150-24-40``."""
    counts = "-".join(str(len(pairs[part])) for part in ("train", "val", "test"))
    return (name or f"pairs-{counts}") + ("-chosen-on-test" if chosen_on_test else "")
