"""One run of an experiment: trained and scored by the train commands' own functions, then timed."""

import time
from dataclasses import replace
from typing import Any

import torch
from torch.utils.data import Subset

from terramamba._version import __version__
from terramamba.bench.memory import most_resident
from terramamba.change.settings import ChangeSettings
from terramamba.change.train import labelled_pairs, train_change_detector
from terramamba.core.devices import resolve_device
from terramamba.core.files import write_json
from terramamba.data.splits.split import TEST
from terramamba.experiments.plan import MEASURED, METRICS, PlannedRun
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.train import labelled_patches, read_settings, train_classifier
from terramamba.models.cost import model_cost
from terramamba.models.registry import model_spec
from terramamba.runs.folder import Run, is_run_folder, load_run
from terramamba.scored_pairs import ScoredPairs
from terramamba.training.predict import PATCHES_AT_ONCE, class_logits, evaluate_change

Timed = tuple[int, float, tuple[int, ...]]
"""Pixels mapped, the seconds that took, and the shape of a sample."""

TIMED_PATCHES = 4 * PATCHES_AT_ONCE
TIMED_PAIRS = 4
"""As much of the test set, at most, is mapped once more for the speed; the scores come from training."""


def do_run(run: PlannedRun) -> None:
    """Train what is not trained, go on with what was interrupted, and write what it costs.

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
        pixels, seconds, shape = _time_classes(loaded)
    else:
        pixels, seconds, shape = _time_changes(loaded, settings)
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


def _time_classes(loaded: Run) -> Timed:
    settings = read_settings(loaded.folder)
    samples = prepare_samples(settings, int(loaded.card["patch_size"]))
    patches = labelled_patches(samples, TEST, settings)
    timed = Subset(patches, range(min(len(patches), TIMED_PATCHES)))
    class_logits(loaded.model, Subset(timed, range(min(len(timed), PATCHES_AT_ONCE))), device=settings.device)
    start = time.perf_counter()
    class_logits(loaded.model, timed, device=settings.device)
    seconds = time.perf_counter() - start
    side = samples.split.patch_size
    return len(timed), seconds, (1, len(samples.scaling.bands), side, side)


def _time_changes(loaded: Run, settings: ChangeSettings) -> Timed:
    labelled = labelled_pairs(
        settings.data,
        settings.root,
        chosen_on_test=False,
        align=settings.align,
        variable=settings.scene_variable,
    )
    pairs = labelled["test"][:TIMED_PAIRS]
    scaling = loaded.scaling
    evaluate_change(loaded.model, ScoredPairs(pairs[:1], scaling), device=settings.device)  # warm-up
    start = time.perf_counter()
    evaluate_change(loaded.model, ScoredPairs(pairs, scaling), device=settings.device)
    seconds = time.perf_counter() - start
    windows = [pair.window or pair.open()[0].grid for pair in pairs]
    pixels = sum(window.height * window.width for window in windows)
    return pixels, seconds, (1, 2, len(scaling.bands), windows[0].height, windows[0].width)


def _peak_mib(device: torch.device) -> float:
    """Most memory held at once: of the GPU's allocator, else of the process with its libraries."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return most_resident()
