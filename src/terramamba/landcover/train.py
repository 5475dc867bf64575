"""The first job: a hyperspectral scene and labelled pixels -> a trained classifier with honest scores."""

import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import nn

from terramamba._version import __version__
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.progress import progress
from terramamba.core.provenance import code_version
from terramamba.data.splits.split import TEST, TRAIN, VALIDATION, save_split
from terramamba.landcover.catalogued import load_scene
from terramamba.landcover.fast_agreement import fast_record
from terramamba.landcover.patches import PatchDataset
from terramamba.landcover.samples import Samples, prepare_samples
from terramamba.landcover.scores import CLASS_TABLE, scores_by_name, write_class_table
from terramamba.landcover.settings import ClassifySettings
from terramamba.leading import led
from terramamba.models.registry import ModelSpec, create_model, model_spec, save_model
from terramamba.report import write_run_pages
from terramamba.runs.folder import check_folder, read_yaml, run_folder, write_confusion, write_json
from terramamba.runs.repeats import train_seeds
from terramamba.scores.calibration import (
    RELIABILITY,
    Calibration,
    calibration_card,
    class_calibration,
    class_temperature,
    write_reliability,
)
from terramamba.scores.metrics import confusion_matrix
from terramamba.scores.sampling_units import Units, from_classes, write_units
from terramamba.training.fit import TrainConfig, config_for, fit, seed_everything, training_processes
from terramamba.training.predict import class_logits


@led
def train_classifier(settings: ClassifySettings) -> dict[str, Any]:
    """Train, choose the best epoch on validation, score once on test; write the run folder.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    result = train_seeds(load_scene(settings), _train_one)
    write_run_pages(result["folder"])
    return result


def _train_one(settings: ClassifySettings) -> dict[str, Any]:
    spec = model_spec(settings.model)
    if spec.task != "classify":
        raise InputError(f"--model {settings.model}: it is for {spec.task}; see `terramamba models`")
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    resolve_device(settings.device)  # before anything is written
    samples = prepare_samples(settings, choose_patch_size(spec, settings))
    untrained = None if spec.fit is not None else _untrained(spec, samples, settings)
    with run_folder(settings) as folder:
        save_split(samples.split, folder, samples.scene.grid, samples.labels.classes)
        start = time.monotonic()
        model, fitted = _fit(untrained, spec, settings, samples, folder)
        fitted["minutes"] = (time.monotonic() - start) / 60
        scores, confusions, calibrations, units = _judge(model, samples, settings)
        about = {
            "task": "classify",
            "protocol": protocol_id(settings, samples.split.patch_size),
            "split_id": samples.split.id,
            "leakage": asdict(samples.split.leakage),
            "calibration": calibration_card(calibrations["validation"]),
            "fast": fast_record(
                model,
                samples.cube,
                samples.pixels(VALIDATION),
                samples.targets(VALIDATION),
                patch_size=samples.split.patch_size,
                border=settings.border,
                device=resolve_device(settings.device),
            ),
        }
        save_model(model, folder, about | _card(samples, settings))
        write_confusion(folder / "confusion.csv", confusions["test"], samples.labels.names)
        write_class_table(folder / CLASS_TABLE, scores)
        write_units(folder, units)
        write_reliability(folder / RELIABILITY, calibrations)
        result = {
            "folder": str(folder),
            **about,
            "leakage_in_words": samples.split.leakage.in_words(),
            "counts": samples.split.counts(samples.labels.classes),
            "notes": [*samples.notes, *samples.split.notes],
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


def _judge(
    model: nn.Module, samples: Samples, settings: ClassifySettings
) -> tuple[dict[str, Any], dict[str, Int[np.ndarray, "k k"]], dict[str, Calibration], Units]:
    """Scores, confusions, calibration (T from ``validation``) of both parts; ``test`` by units."""
    names = samples.labels.names
    parts = {
        part: class_logits(model, labelled_patches(samples, role, settings), device=settings.device)
        for part, role in (("validation", VALIDATION), ("test", TEST))
    }
    temperature = class_temperature(*parts["validation"])
    calibrations = {part: class_calibration(*found, temperature) for part, found in parts.items()}
    confusions = {
        part: confusion_matrix(truth, logits.argmax(dim=1), len(names))
        for part, (logits, truth) in parts.items()
    }
    scores = {
        part: scores_by_name(confusion, names) | {"calibration": calibrations[part].record()}
        for part, confusion in confusions.items()
    }
    logits, truth = parts["test"]
    units = from_classes(samples.pixels(TEST), truth.numpy(), logits.argmax(dim=1).numpy(), len(names))
    return scores, confusions, calibrations, units


def _card(samples: Samples, settings: ClassifySettings) -> dict[str, Any]:
    """What mapping has to know beside the weights."""
    labels = samples.labels
    return {
        "terramamba": __version__,
        "commit": code_version()["commit"],
        "source_bands": samples.scene.bands,
        "wavelengths": samples.scene.wavelengths,
        "scaling": samples.scaling.to_dict(),
        "patch_size": samples.split.patch_size,
        "border": settings.border,
        "classes": [
            {"code": code, "name": name, "colour": list(colour)}
            for code, name, colour in zip(labels.codes, labels.names, labels.colours, strict=True)
        ],
    }


def choose_patch_size(spec: ModelSpec, settings: ClassifySettings) -> int:
    """The patch side in pixels: as asked, else the model's; odd, so that it has a middle."""
    size = settings.patch_size if settings.patch_size is not None else spec.example[-1]
    if size < 1 or size % 2 == 0:
        raise InputError(f"--patch-size {size}: must be an odd number of pixels, such as 7")
    return size


def protocol_id(settings: ClassifySettings, patch_size: int) -> str:
    """A short name of how training and test pixels were told apart, such as ``block-10-10-p7``."""
    if settings.split == "given":
        name = f"given-p{patch_size}"
    else:
        shares = f"{100 * settings.train_fraction:g}-{100 * settings.val_fraction:g}"
        name = f"{settings.split}-{shares}-p{patch_size}"
    if settings.data is not None:
        name = f"{settings.data}-{name}"
    return name + ("-scene-scaling" if settings.fit_on == "scene" else "")


def _class_weights(samples: Samples, settings: ClassifySettings) -> tuple[float, ...] | None:
    if not settings.class_weights:
        return None
    counts = np.bincount(samples.targets(TRAIN), minlength=len(samples.labels.names))
    weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
    return tuple(float(weight) for weight in weights)


def _untrained(
    spec: ModelSpec, samples: Samples, settings: ClassifySettings
) -> tuple[nn.Module, TrainConfig]:
    config = config_for(spec, settings, class_weights=_class_weights(samples, settings))
    training_processes(config)  # before anything is written
    seed_everything(settings.seed)
    options = {"in_channels": len(samples.scaling.bands), "num_classes": len(samples.labels.names)}
    if "patch_size" in spec.parameters():
        options["patch_size"] = samples.split.patch_size
    return create_model(settings.model, preset=settings.preset, **(options | settings.set)), config


def _fit(
    untrained: tuple[nn.Module, TrainConfig] | None,
    spec: ModelSpec,
    settings: ClassifySettings,
    samples: Samples,
    folder: Path,
) -> tuple[nn.Module, dict[str, Any]]:
    """The trained model and how training went; a model that is solved for is made here."""
    if spec.fit is not None:
        solved, record = spec.fit(
            samples.spectra(TRAIN),
            samples.targets(TRAIN),
            samples.spectra(VALIDATION),
            samples.targets(VALIDATION),
            num_classes=len(samples.labels.names),
            seed=settings.seed,
        )
        return solved, {**record, "device": "cpu"}
    assert untrained is not None
    model, config = untrained
    with progress(f"train {settings.model}", config.epochs, "epochs") as advance:
        outcome = fit(
            model,
            "classify",
            labelled_patches(samples, TRAIN, settings, augment=settings.augment),
            labelled_patches(samples, VALIDATION, settings),
            config,
            folder,
            resume=settings.resume,
            on_progress=advance,
        )
    return model, asdict(outcome) | {"device": str(resolve_device(config.device))}


def labelled_patches(
    samples: Samples, role: int, settings: ClassifySettings, *, augment: bool = False
) -> PatchDataset:
    """The patches and classes of the pixels with ``role``."""
    token_targets = None
    if role == TRAIN and settings.token_loss > 0:
        training = samples.split.roles == TRAIN
        token_targets = np.where(training, samples.labels.classes.astype(np.int64) - 1, -1)
    return PatchDataset(
        samples.cube,
        samples.pixels(role),
        samples.targets(role),
        patch_size=samples.split.patch_size,
        border=settings.border,
        token_targets=token_targets,
        augment=augment,
        seed=settings.seed,
    )


def read_settings(folder: Path) -> ClassifySettings:
    """The settings that ``folder/config.yaml`` keeps."""
    record = read_yaml(folder / "config.yaml")
    known = {field.name for field in fields(ClassifySettings)}
    return ClassifySettings(**{key: value for key, value in record.items() if key in known})
