"""Exact counts of what a model gets right on a data set, by one process or shared by several."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.utils.data import Dataset

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.scores.calibration import logit_histogram, logit_levels
from terramamba.scores.metrics import confusion_matrix
from terramamba.scores.thresholds import BINS, histogram
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.losses import IGNORE

Loss = Callable[[Tensor, Batch], Tensor]

PATCHES_AT_ONCE = 256


def evaluate_classes(
    model: nn.Module,
    dataset: Dataset[Batch],
    *,
    batch_size: int = PATCHES_AT_ONCE,
    device: str = "auto",
    precision: str = "32",
) -> Int[np.ndarray, "k k"]:
    """Confusion matrix (rows truth) of ``model`` on a data set of ``{"image": (c, p, p), "label": ()}``."""
    with evaluating(model, resolve_device(device)) as place:
        return count_classes(model, EvaluationBatches(dataset, batch_size, place), precision)[0]


def evaluate_change(
    model: nn.Module,
    dataset: Dataset[Batch],
    *,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
) -> Int[np.ndarray, "m 2 bins"]:
    """Histogram of the probability of change (``thresholds.histogram``) for each sample of the data set.

    Samples are ``{"image": (2, c, h, w), "mask": (h, w)}``, 255 = ignore, and may differ in size. Raises
    ``InputError`` for a model with more than one output channel.
    """
    with evaluating(model, resolve_device(device)) as place:
        return count_changes(model, EvaluationBatches(dataset, batch_size, place), precision)[0]


def class_logits(
    model: nn.Module,
    dataset: Dataset[Batch],
    *,
    batch_size: int = PATCHES_AT_ONCE,
    device: str = "auto",
    precision: str = "32",
) -> tuple[Float[Tensor, "m k"], Int64[Tensor, " m"]]:
    """Logits and classes of all samples, on the CPU: what ``evaluate_classes`` counts."""
    with evaluating(model, resolve_device(device)) as place:
        found = [
            (logits.cpu(), batch["label"].cpu())
            for batch, logits in outputs(model, EvaluationBatches(dataset, batch_size, place), precision)
        ]
    logits, labels = zip(*found, strict=True)
    return torch.cat(logits), torch.cat(labels)


def change_histograms(
    model: nn.Module,
    dataset: Dataset[Batch],
    *,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
) -> tuple[Int[np.ndarray, "m 2 bins"], Int[np.ndarray, "2 levels"]]:
    """What ``evaluate_change`` gives, and the logits of all samples together: ``logit_histogram``."""
    histograms, levels = [], np.zeros((2, len(logit_levels())), np.int64)
    with evaluating(model, resolve_device(device)) as place:
        for batch, logits in outputs(model, EvaluationBatches(dataset, batch_size, place), precision):
            one, known, changed = only_channel(logits), batch["mask"] != IGNORE, batch["mask"] != 0
            samples = zip(torch.sigmoid(one), changed, known, strict=True)
            histograms += [histogram(*sample) for sample in samples]
            levels += logit_histogram(one, changed, known)
    return np.stack(histograms), levels


def count_classes(
    model: nn.Module, batches: EvaluationBatches, precision: str, loss: Loss | None = None
) -> tuple[Int[np.ndarray, "k k"], float]:
    """Confusion matrix of this process's share, and the sum over its samples of ``loss``."""
    counts: Int[np.ndarray, "k k"] = np.zeros((0, 0), np.int64)
    total = 0.0
    for batch, logits in outputs(model, batches, precision):
        found = confusion_matrix(batch["label"], logits.argmax(dim=1), logits.shape[1])
        counts = found + counts if counts.size else found
        if loss is not None:
            total += float(loss(logits, batch)) * len(logits)
    return counts, total


def count_changes(
    model: nn.Module, batches: EvaluationBatches, precision: str, loss: Loss | None = None
) -> tuple[Int[np.ndarray, "m 2 bins"], float]:
    """Histograms of this process's share of the samples, and the sum over its samples of ``loss``."""
    counts, total = [np.zeros((0, 2, BINS), np.int64)], 0.0
    for batch, logits in outputs(model, batches, precision):
        one = only_channel(logits)
        known, changed = batch["mask"] != IGNORE, batch["mask"] != 0
        samples = zip(torch.sigmoid(one), changed, known, strict=True)
        counts.append(np.stack([histogram(*sample) for sample in samples]))
        if loss is not None:
            total += float(loss(one, batch)) * len(logits)
    return np.concatenate(counts), total


def only_channel(logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b h w"]:
    """The one channel of a change detector's logits; raises ``InputError`` when there are more."""
    if logits.shape[1] != 1:
        raise InputError(
            f"num_classes={logits.shape[1]}: training and scoring know changed and unchanged alone;"
            " use num_classes=1"
        )
    return logits[:, 0]


def outputs(
    model: nn.Module, batches: EvaluationBatches, precision: str
) -> Iterator[tuple[Batch, Float[Tensor, "b k ..."]]]:
    """Batches on their device and the model's float32 logits for them, in the order of the samples."""
    for batch in batches:
        with torch.autocast(batches.device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = model(batch["image"])
        yield batch, logits.float()


@contextmanager
def evaluating(model: nn.Module, device: torch.device) -> Iterator[torch.device]:
    """Have ``model`` on ``device``, in evaluation mode and without gradients; afterwards as it was before."""
    home = next((parameter.device for parameter in model.parameters()), device)
    training = {module: module.training for module in model.modules()}
    model.to(device).eval()
    try:
        with torch.no_grad():
            yield device
    finally:
        for module, was in training.items():
            module.training = was
        model.to(home)
