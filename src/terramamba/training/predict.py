"""Exact counts of what a model gets right on a data set, by one process or shared by several."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int64, Shaped, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.progress import Advance, heard
from terramamba.models.model import Model
from terramamba.scores.calibration import LOGIT_LIMIT, logit_histogram, logit_levels
from terramamba.scores.metrics import confusion_matrix
from terramamba.scores.thresholds import BINS, histogram
from terramamba.training.batches import Batch, EvaluationBatches
from terramamba.training.losses import IGNORE

Loss = Callable[[Tensor, Batch], Tensor]
Rows = Iterator[tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]]
"""Probability of change and mask (255: ignore) of one pair: full rows, from the top."""
Passing = Callable[[int, Rows], Rows]
"""Passes on the rows of the pair of that number, and does with them what it likes."""

PATCHES_AT_ONCE = 256
ALMOST_CERTAIN = 1 - 2**-24
"""The largest probability below 1 in 32 bits."""


@runtime_checkable
class MappedPairs(Protocol):
    """A data set of image pairs of which the large ones do not go through a model whole."""

    def mapped_for(self, model: Model) -> list[int]:
        """Return the samples that are too large for ``model``, in their order."""
        ...

    def file_of(self, index: int) -> str:
        """Return the file by which a message names a sample."""
        ...

    def map_rows(self, index: int, model: Model, device: torch.device, precision: str) -> Rows:
        """Yield the rows of such a sample."""
        ...


@dataclass(frozen=True, eq=False)
class ChangeCounts:
    """What was counted of m pairs, in their order."""

    histograms: Int[np.ndarray, "m 2 bins"]
    """By probability of change, as ``metrics.histogram``, for each pair."""
    logits: Int[np.ndarray, "2 levels"]
    """By logit, as ``metrics.logit_histogram``, of all pairs."""
    loss: float
    """Sum over the pairs."""


def evaluate_classes(
    model: Model,
    dataset: Dataset[Batch],
    *,
    batch_size: int = PATCHES_AT_ONCE,
    device: str = "auto",
    precision: str = "32",
) -> Int[np.ndarray, "k k"]:
    """Count the confusion (rows truth) of ``model`` on samples ``{"image": (c, p, p), "label": ()}``."""
    with evaluating(model, resolve_device(device)) as resolved:
        return count_classes(model, EvaluationBatches(dataset, batch_size, resolved), precision)[0]


def evaluate_change(
    model: Model,
    dataset: Dataset[Batch],
    *,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
) -> Int[np.ndarray, "m 2 bins"]:
    """Count a histogram of the probability of change (``thresholds.histogram``) for each sample.

    Samples are ``{"image": (2, c, h, w), "mask": (h, w)}``, 255 = ignore, and may differ in size. Raises
    ``InputError`` for a model with more than one output channel.
    """
    return change_counts(model, dataset, batch_size=batch_size, device=device, precision=precision).histograms


def class_logits(
    model: Model,
    dataset: Dataset[Batch],
    *,
    batch_size: int = PATCHES_AT_ONCE,
    device: str = "auto",
    precision: str = "32",
) -> tuple[Float[Tensor, "m k"], Int64[Tensor, " m"]]:
    """Return logits and classes of all samples, on the CPU: what ``evaluate_classes`` counts."""
    with evaluating(model, resolve_device(device)) as resolved:
        batches = EvaluationBatches(dataset, batch_size, resolved)
        # One place for all: kept one by one, between what each batch needs for a moment, results of some MB
        # keep gigabytes of that from being used again.
        found: Tensor | None = None
        labels = torch.empty(batches.samples, dtype=torch.int64)
        advance, done = heard("score", batches.samples, "samples"), 0
        for batch, logits in outputs(model, batches, precision):
            if found is None:
                found = torch.empty(batches.samples, logits.shape[1])
            here = slice(done, done + len(logits))
            found[here], labels[here] = logits, batch["label"]
            advance(len(logits))
            done = here.stop
    assert found is not None, "no sample to score"
    without = int(torch.softmax(found, dim=1).isnan().any(dim=1).sum())
    if without:
        raise no_number_error(without)
    return found, labels


def change_counts(
    model: Model,
    dataset: Dataset[Batch],
    *,
    batch_size: int = 1,
    device: str = "auto",
    precision: str = "32",
    passing: Passing | None = None,
) -> ChangeCounts:
    """Count as ``evaluate_change`` does, and the logits of all samples, whose rows ``passing`` sees."""
    with evaluating(model, resolve_device(device)) as resolved:
        batches = EvaluationBatches(dataset, batch_size, resolved)
        advance = heard("score", batches.samples, "pairs")
        return count_changes(model, batches, precision, advance=advance, passing=passing)


def count_classes(
    model: Model, batches: EvaluationBatches, precision: str, loss: Loss | None = None
) -> tuple[Int[np.ndarray, "k k"], float]:
    """Count the confusion matrix of this process's shard, and sum over its samples of ``loss``."""
    counts: Int[np.ndarray, "k k"] = np.zeros((0, 0), np.int64)
    total = 0.0
    for batch, logits in outputs(model, batches, precision):
        found = confusion_matrix(batch["label"], logits.argmax(dim=1), logits.shape[1])
        counts = found + counts if counts.size else found
        if loss is not None:
            total += float(loss(logits, batch)) * len(logits)
    return counts, total


def count_changes(
    model: Model,
    batches: EvaluationBatches,
    precision: str,
    loss: Loss | None = None,
    *,
    advance: Advance | None = None,
    passing: Passing | None = None,
) -> ChangeCounts:
    """Count this process's shard of the samples, whose rows ``passing`` sees, and sum ``loss`` over them."""
    dataset, shard = batches.dataset, batches.shard
    large = dataset.mapped_for(model) if isinstance(dataset, MappedPairs) else []
    apart = set(large)
    small = [index for index in range(batches.samples) if index not in apart]
    own = [small[index] for batch in shard.batches(len(small), batches.batch_size) for index in batch]
    histograms, levels = [np.zeros((0, 2, BINS), np.int64)], np.zeros((2, len(logit_levels())), np.int64)
    total, counted = 0.0, 0
    for batch, logits in outputs(model, batches.only(small) if large else batches, precision):
        one = only_channel(logits)
        known, changed = batch["mask"] != IGNORE, batch["mask"] != 0
        without = one.isnan() & known
        if without.any():
            place = int(without.flatten(1).any(dim=1).int().argmax())
            named = dataset.file_of(own[counted + place]) if isinstance(dataset, MappedPairs) else None
            raise no_number_error(int(without[place].sum()), named)
        likely = torch.sigmoid(one)
        if passing is not None:
            for place, sample in enumerate(zip(likely, batch["mask"], strict=True), start=counted):
                deque(passing(own[place], iter([_as_rows(*sample)])), maxlen=0)
        counted += len(likely)
        samples = zip(likely, changed, known, strict=True)
        histograms.append(np.stack([histogram(*sample) for sample in samples]))
        levels += logit_histogram(one, changed, known)
        if loss is not None:
            total += float(loss(one, batch)) * len(logits)
        if advance is not None:
            advance(len(logits))
    for index in large[shard.rank :: shard.world]:
        assert isinstance(dataset, MappedPairs)
        rows = dataset.map_rows(index, model, batches.device, precision)
        found = count_rows(rows if passing is None else passing(index, rows), loss)
        own.append(index)
        histograms.append(found.histograms)
        levels += found.logits
        total += found.loss
        if advance is not None:
            advance(1)
    return ChangeCounts(np.concatenate(histograms)[np.argsort(own)], levels, total)


def no_number_error(count: int, file: str | None = None) -> InputError:
    """Return the error that a model has no answer for ``count`` samples, or pixels of a pair: ``file``."""
    named = "" if file is None else f"{file}: "
    return InputError(
        f"{named}the model gives no number for {count:,} of what is scored, as of values far from those that"
        " it learnt; see what `terramamba check` says of the images, or train it anew"
    )


def _as_rows(
    probability: Float[Tensor, "h w"], mask: Shaped[Tensor, "h w"]
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
    return probability.float().cpu().numpy(), mask.cpu().numpy().astype(np.uint8)


def count_rows(rows: Rows, loss: Loss | None) -> ChangeCounts:
    """Count one pair, of whose map and mask some rows come at a time.

    Logits are those of the map's probabilities, which tell none above 16.6 apart. The loss is the mean of
    that of the rows, weighted by their known pixels.
    """
    counts, levels = np.zeros((2, BINS), np.int64), np.zeros((2, len(logit_levels())), np.int64)
    total, pixels = 0.0, 0
    for probability, mask in rows:
        likely, truth = torch.from_numpy(probability), torch.from_numpy(mask.astype(np.int64))
        known, changed = truth != IGNORE, truth != 0
        logits = torch.logit(likely.clamp(max=ALMOST_CERTAIN)).clamp(min=-LOGIT_LIMIT)
        counts += histogram(likely, changed, known)
        levels += logit_histogram(logits, changed, known)
        if loss is not None:
            total += float(loss(logits[None], {"mask": truth[None]})) * int(known.sum())
        pixels += int(known.sum())
    return ChangeCounts(counts[None], levels, total / max(pixels, 1))


def only_channel(logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b h w"]:
    """Return the one channel of a change detector's logits; raises ``InputError`` when there are more."""
    if logits.shape[1] != 1:
        raise InputError(
            f"num_classes={logits.shape[1]}: training and scoring know changed and unchanged alone;"
            " use num_classes=1"
        )
    return logits[:, 0]


def logits_of(model: Model, batch: Batch) -> Float[Tensor, "b k ..."]:
    """Run ``model`` on the images of ``batch``, with what it needs to know of them beside."""
    asked = {"valid": model.takes_valid, "meaning": model.takes_meaning}
    return model(
        batch["image"], **{name: batch[name] for name, takes in asked.items() if takes and name in batch}
    )


def outputs(
    model: Model, batches: EvaluationBatches, precision: str
) -> Iterator[tuple[Batch, Float[Tensor, "b k ..."]]]:
    """Yield batches on their device and the model's float32 logits for them, in the order of the samples."""
    for batch in batches:
        with torch.autocast(batches.device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = logits_of(model, batch)
        yield batch, logits.float()


@contextmanager
def evaluating(model: Model, device: torch.device) -> Iterator[torch.device]:
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
