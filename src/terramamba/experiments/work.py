"""One run of an experiment: trained by the train commands' own functions, then measured on its test set."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Subset

from terramamba._version import __version__
from terramamba.bench.memory import most_resident
from terramamba.change import labelled_pairs, train_change_detector, whole_images
from terramamba.classify import read_settings, train_classifier
from terramamba.data.hyperspectral import PatchDataset
from terramamba.data.samples import prepare_samples
from terramamba.data.splits import TEST
from terramamba.devices import resolve_device
from terramamba.evaluation import PATCHES_AT_ONCE, Batch, Share, evaluate_change, evaluating, outputs
from terramamba.experiments.plan import MEASURED, METRICS, PlannedRun
from terramamba.experiments.units import Units, from_classes, from_confusions, write_units
from terramamba.files import write_json
from terramamba.metrics import confusion_at
from terramamba.models.cost import model_cost
from terramamba.models.registry import model_spec
from terramamba.runs import Run, is_run_folder, load_run
from terramamba.settings import ChangeSettings, ClassifySettings

Measured = tuple[Units, int, float, tuple[int, ...]]
"""Counts by unit; pixels mapped and the seconds that took; shape of a sample."""


def do_run(run: PlannedRun) -> None:
    """Train what is not trained, go on with what was interrupted, and write what it costs and counts.

    Raises:
        InputError: as the train commands do.
    """
    settings = run.settings
    trained_here = not (run.folder / METRICS).is_file()
    if trained_here:
        settings = replace(settings, resume=is_run_folder(run.folder))
        if isinstance(settings, ClassifySettings):
            train_classifier(settings)
        else:
            train_change_detector(settings)
    device = resolve_device(settings.device)
    loaded = load_run(run.folder)
    if isinstance(settings, ClassifySettings):
        units, pixels, seconds, shape = _measure_classes(loaded, settings)
    else:
        units, pixels, seconds, shape = _measure_changes(loaded, settings)
    write_units(run.folder, units)
    spec = model_spec(settings.model)
    network = spec.trainable and spec.fit is None
    cost = model_cost(loaded.model, shape) if network else None
    record: dict[str, Any] = {
        "version": __version__,
        "torch": torch.__version__,
        "parameters": cost.parameters if cost else None,
        "flops": cost.flops if cost else None,
        "flops_input": " x ".join(map(str, shape[1:])) if cost else None,
        "pixels_per_second": pixels / seconds,
        # A run that was trained before says nothing about the memory that training took.
        "peak_mib": _peak_mib(device) if trained_here else None,
        "device": str(device),
        "threads": torch.get_num_threads(),
    }
    write_json(run.folder / MEASURED, record)


def _measure_classes(loaded: Run, settings: ClassifySettings) -> Measured:
    side = int(loaded.card["patch_size"])
    samples = prepare_samples(read_settings(loaded.folder), side)
    pixels, truth = samples.pixels(TEST), samples.targets(TEST)
    dataset = PatchDataset(
        samples.cube, pixels, truth, patch_size=side, border=settings.border, augment=False, seed=0
    )
    device = settings.device
    list(_classes(loaded, Subset(dataset, range(min(len(dataset), PATCHES_AT_ONCE))), device))  # warm-up
    start = time.perf_counter()
    found = np.concatenate(list(_classes(loaded, dataset, device)))
    seconds = time.perf_counter() - start
    units = from_classes(pixels, truth, found, len(loaded.classes))
    return units, len(found), seconds, (1, len(samples.cube), side, side)


def _classes(loaded: Run, dataset: Dataset[Batch], device: str) -> Iterator[np.ndarray]:
    with evaluating(loaded.model, resolve_device(device)) as place:
        for _, logits in outputs(loaded.model, dataset, PATCHES_AT_ONCE, place, "32", Share()):
            yield logits.argmax(dim=1).cpu().numpy()


def _measure_changes(loaded: Run, settings: ChangeSettings) -> Measured:
    pairs = labelled_pairs(settings.data, settings.root, chosen_on_test=False, align=settings.align)["test"]
    scaling = loaded.scaling
    evaluate_change(loaded.model, whole_images(pairs[:1], scaling), device=settings.device)  # warm-up
    start = time.perf_counter()
    counts = evaluate_change(loaded.model, whole_images(pairs, scaling), device=settings.device)
    seconds = time.perf_counter() - start
    confusions = np.stack([confusion_at(one, loaded.threshold) for one in counts])
    windows = [pair.window or pair.open()[0].grid for pair in pairs]
    pixels = sum(window.height * window.width for window in windows)
    shape = (1, 2, len(scaling.bands), windows[0].height, windows[0].width)
    return from_confusions([pair.name for pair in pairs], confusions), pixels, seconds, shape


def _peak_mib(device: torch.device) -> float:
    """Most memory held at once: of the GPU's allocator, else of the process with its libraries."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return most_resident()
