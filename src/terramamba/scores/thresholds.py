"""What counts as changed: a probability of at least the threshold. Everybody who asks, asks ``changed``.

Thresholds are whole thousandths, and so are the edges of the bins by which probabilities are counted: a
histogram knows exactly what a map at any of them marks, and no threshold between two of them can be given.

The probabilities of models are float32. Compared as float64 numbers, none lies between i / 1000 and the
float64 nearest to it, so that ``changed`` and the bins part them at the very same place; compared as
float32, 0.7 would be 0.69999999.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

from terramamba.core.errors import InputError
from terramamba.scores.metrics import as_array, change_f1, class_counts

STEPS = 1000
BINS = STEPS + 1
"""Bin i holds i / STEPS <= probability < (i + 1) / STEPS; the last one is probability 1."""

NEAR = 1e-6
"""How far, in thousandths, arithmetic may have carried a threshold from the thousandth that is meant."""


def changed(probability: Float[np.ndarray, "*shape"], threshold: float) -> Bool[np.ndarray, "*shape"]:
    """Return where there is change: ``probability`` >= ``threshold``.

    >>> changed(np.array([0.7, 0.699], np.float32), 0.7)
    array([False, False])
    >>> np.float32(0.7).item()
    0.699999988079071
    """
    return np.asarray(probability.astype(np.float64) >= threshold)


def checked_threshold(value: float, name: str = "--threshold") -> float:
    """Return ``value`` as the thousandth that it is.

    Raises:
        InputError: it is not above 0 and at most 1, or lies between two thousandths; ``name`` is what has it.
    """
    if not 0 < value <= 1:
        raise InputError(f"{name} {value:g}: a probability above 0 and at most 1 is needed")
    nearest = max(1, round(value * STEPS)) / STEPS
    if abs(value - nearest) * STEPS > NEAR:
        raise InputError(
            f"{name} {value}: is no whole number of thousandths, by which scores are counted; give"
            f" --threshold {nearest:g}"
        )
    return nearest


def histogram(
    probability: Float[np.ndarray, "..."] | Float[Tensor, "..."],
    truth: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    valid: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    steps: int = STEPS,
) -> Int[np.ndarray, "2 bins"]:
    """Count valid pixels by probability of change: row 0 those without change, row 1 those with; addable.

    Bins are those of ``BINS``, for ``steps`` in the place of ``STEPS``. Raises ``ValueError`` when a valid
    probability is not in [0, 1].
    """
    counted = as_array(valid)
    # A float32 times a thousand is exact in float64.
    level = as_array(probability)[counted].astype(np.float64) * steps
    if level.size and not (level.min() >= 0 and level.max() <= steps):
        raise ValueError("a probability lies outside [0, 1] or is not a number")
    bins = steps + 1
    place = level.astype(np.int64) + bins * as_array(truth)[counted].astype(np.int64)
    return np.bincount(place, minlength=2 * bins).reshape(2, bins).astype(np.int64)


def confusion_at(counts: Integer[np.ndarray, "2 bins"], threshold: float) -> Int[np.ndarray, "2 2"]:
    """Return the confusion matrix of what ``changed`` marks at ``threshold``, from a ``histogram``.

    Raises ``ValueError`` for a threshold inside a bin, of which counts do not say enough.
    """
    steps = counts.shape[1] - 1
    edge = round(threshold * steps)
    if abs(threshold * steps - edge) > NEAR:
        raise ValueError(f"threshold {threshold} is no whole number of steps of 1 / {steps}")
    found = counts[:, edge:].sum(axis=1)
    return np.stack([counts.sum(axis=1) - found, found], axis=1).astype(np.int64)


def best_threshold(counts: Integer[np.ndarray, "2 bins"]) -> float:
    """Return the threshold between 0 and 1 with the highest F1 of "changed"; ties: the nearest to 0.5."""
    steps = counts.shape[1] - 1
    if steps < 2:
        raise ValueError("a threshold needs at least two steps")
    edges = np.arange(1, steps)
    found = counts[:, ::-1].cumsum(axis=1)[:, ::-1].T[edges].astype(np.int64)
    missed = counts.sum(axis=1).astype(np.int64) - found
    f1 = change_f1(class_counts(np.stack([missed, found], axis=-1)))
    best = edges[f1 == f1.max()]
    return float(best[np.abs(2 * best - steps).argmin()] / steps)
