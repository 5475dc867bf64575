"""The second job: image pairs with change masks -> a trained change detector with honest scores."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int
from torch import nn

from terramamba._version import __version__
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.change import PairDataset
from terramamba.data.pair_files import PairFiles, same_files
from terramamba.data.pair_scaling import fit_pair_scaling
from terramamba.data.pair_survey import survey
from terramamba.devices import resolve_device
from terramamba.errors import InputError
from terramamba.metrics import bootstrap_interval, change_scores, confusion_at, false_alarm_rate
from terramamba.models.registry import create_model, model_spec, save_model
from terramamba.progress import progress
from terramamba.raster.align import Method
from terramamba.repeats import train_seeds
from terramamba.runs import Run, check_folder, load_run, run_folder, write_confusion, write_json
from terramamba.scaling import Scaling
from terramamba.settings import ChangeSettings
from terramamba.training import TrainConfig, config_for, evaluate_change, fit, seed_everything

CLASSES = ("unchanged", "changed")


def train_change_detector(settings: ChangeSettings) -> dict[str, Any]:
    """Train, choose epoch and threshold on validation, score once on test; write the run folder.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    return train_seeds(settings, _train_one)


def _train_one(settings: ChangeSettings) -> dict[str, Any]:
    spec = model_spec(settings.model)
    if spec.task != "change":
        raise InputError(f"--model {settings.model}: it is for {spec.task}; see `terramamba models`")
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    resolve_device(settings.device)  # before anything is written
    found, name, unlike = load_pairs(settings.data, settings.root, settings.align)
    pairs = _three_parts(found, settings.data, chosen_on_test=settings.chosen_on_test)
    example, _ = pairs["train"][0].open()
    scaling = fit_pair_scaling(pairs["train"], example.bands)
    config = config_for(spec, settings) if spec.trainable else None
    seed_everything(settings.seed)
    model = create_model(
        settings.model, preset=settings.preset, **({"in_channels": example.bands} | settings.set)
    )
    split = split_record(pairs)
    notes = [*unlike, *survey(pairs)]
    with run_folder(settings) as folder:
        write_json(folder / "split.json", split)
        start = time.monotonic()
        fitted = _fit(model, config, settings, pairs, scaling, folder)
        fitted["minutes"] = (time.monotonic() - start) / 60
        chosen = fitted.pop("threshold")
        about = {
            "task": "change",
            "protocol": protocol_id(pairs, settings.chosen_on_test, name),
            "split_id": split["id"],
            "threshold": chosen if settings.threshold is None else settings.threshold,
        }
        card = {
            "terramamba": __version__,
            "source_bands": example.bands,
            "wavelengths": example.wavelengths,
            "scaling": scaling.to_dict(),
            "classes": [{"code": code, "name": name} for code, name in enumerate(CLASSES)],
        }
        save_model(model, folder, about | card)
        validation, test = (
            score_pairs(model, pairs[part], scaling, about["threshold"], device=settings.device)
            for part in ("val", "test")
        )
        write_confusion(folder / "confusion.csv", np.array(test["confusion"]), CLASSES)
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
            "validation": validation,
            "test": test,
        }
        write_json(folder / "metrics.json", result)
    return result


def labelled_pairs(
    data: str, root: str | None, *, chosen_on_test: bool, align: Method | None = None
) -> dict[str, list[PairFiles]]:
    """The labelled pairs of ``data`` by part: train, val and test, all three present.

    Raises:
        InputError: a part or a label is missing, or validation and test share files.
    """
    return _three_parts(load_pairs(data, root, align)[0], data, chosen_on_test=chosen_on_test)


def _three_parts(
    pairs: Mapping[str, list[PairFiles]], data: str, *, chosen_on_test: bool
) -> dict[str, list[PairFiles]]:
    for part in ("train", "val", "test"):
        if not pairs.get(part):
            raise InputError(
                f"{data}: no {part} pairs; training needs train, val (chooses epoch and threshold) and test"
            )
        unlabelled = [pair for pair in pairs[part] if pair.label is None]
        if unlabelled:
            raise InputError(
                f"{unlabelled[0].before}: no label for this {part} pair; add it or remove the pair"
            )
    shared = same_files(pairs["val"], pairs["test"])
    if shared and not chosen_on_test:
        raise InputError(
            f"{data}: validation and test share {shared[0]}; a score chosen on its own test set says "
            "nothing. Part them, or insist with --chosen-on-test"
        )
    return {part: pairs[part] for part in ("train", "val", "test")}


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
            whole_images(pairs["val"], scaling),
            config,
            folder,
            resume=settings.resume,
            on_progress=advance,
        )
    return asdict(outcome) | {"device": str(resolve_device(config.device))}


def whole_images(pairs: Sequence[PairFiles], scaling: Scaling) -> PairDataset:
    """``pairs`` as they are, for scoring: no crop, no augmentation."""
    return PairDataset(list(pairs), scaling, crop_size=None, augment=False, seed=0)


def score_pairs(
    model: nn.Module, pairs: Sequence[PairFiles], scaling: Scaling, threshold: float, *, device: str
) -> dict[str, Any]:
    """Every score over ``pairs`` at ``threshold``, with bootstrap intervals; F1 with dates swapped."""
    histograms = evaluate_change(model, whole_images(pairs, scaling), device=device)
    swapped = evaluate_change(model, whole_images([pair.swapped() for pair in pairs], scaling), device=device)
    confusions = np.stack([confusion_at(histogram, threshold) for histogram in histograms])
    total: Int[np.ndarray, "2 2"] = confusions.sum(axis=0)
    return {
        **asdict(change_scores(total)),
        **{f"{score}_interval": _interval(confusions, score) for score in ("f1", "iou")},
        "false_alarm_rate": false_alarm_rate(confusions),
        "f1_dates_swapped": change_scores(confusion_at(swapped.sum(axis=0), threshold)).f1,
        "pairs": len(pairs),
        "confusion": total.tolist(),
    }


def _interval(confusions: Int[np.ndarray, "m 2 2"], score: Literal["f1", "iou"]) -> list[float] | None:
    """Bootstrap interval over pairs; a single pair has none."""
    return list(bootstrap_interval(confusions, score)) if len(confusions) > 1 else None


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


def evaluate_change_detector(
    run: str | Path | Run,
    *,
    data: str,
    split: str = "test",
    root: str | None = None,
    align: Method | None = None,
    threshold: float | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Score a run on the pairs of ``data`` that belong to ``split``, at the run's threshold unless given.

    Raises:
        InputError: a damaged run, no labelled pair, or pairs that do not fit the model.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != "change":
        raise InputError(
            f"{loaded.folder}: this run is for {loaded.task}; use `terramamba classify evaluate`"
        )
    found, name, unlike = load_pairs(data, root, align)
    pairs = found.get(split, [])
    labelled = [pair for pair in pairs if pair.label is not None]
    if not labelled:
        raise InputError(f"{data}: no labelled pairs in its {split} part; name another with --split")
    scaling = loaded.scaling
    cut = loaded.threshold if threshold is None else threshold
    return {
        "folder": str(loaded.folder),
        "protocol": f"{split}-{len(labelled)}" if name is None else f"{name}-{split}",
        "threshold": cut,
        "notes": [*unlike, *survey({split: labelled})],
        "test": score_pairs(loaded.model, labelled, scaling, cut, device=device),
    }
