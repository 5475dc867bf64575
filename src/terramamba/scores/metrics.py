"""Every score from one integer confusion matrix, so that parts of any size can be added exactly.

Rows of a confusion matrix are the truth, columns the prediction. Matrices and histograms are int64: sums over
batches, files or processes are exact and do not depend on their order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

BINS = 1000

LOGIT_STEP, LOGIT_LIMIT = 0.02, 30.0
"""Logits are counted in steps of this from -30 to 30; at the ends a probability is 1e-13 from 0 or 1."""

ChangeScore = Literal["precision", "recall", "f1", "iou", "oa", "kappa"]


@dataclass(frozen=True)
class ClassScores:
    """Scores of a land-cover map, all between 0 and 1 (kappa from -1); the tuples have one entry a class.

    A class is absent when no pixel of the truth belongs to it: ``aa`` leaves it out, its entries are nan.
    """

    oa: float
    """Overall accuracy: share of pixels on the diagonal."""
    aa: float
    """Average accuracy: mean recall of the classes that are present."""
    kappa: float
    """Agreement beyond chance (Cohen), never above ``oa``; 0 where it is not defined."""
    precision: tuple[float, ...]
    """User's accuracy; 0 for a class that is present but never predicted."""
    recall: tuple[float, ...]
    """Producer's accuracy."""
    f1: tuple[float, ...]
    """Harmonic mean of precision and recall."""
    support: tuple[int, ...]
    """Pixels of the truth."""
    absent: tuple[int, ...]
    """0-based classes without a pixel in the truth."""


@dataclass(frozen=True)
class ChangeScores:
    """Scores of the class "changed". Nothing changed and nothing found is right: 1 for the first four."""

    precision: float
    recall: float
    f1: float
    iou: float
    oa: float
    kappa: float
    """Agreement beyond chance (Cohen), never above ``oa``; 0 where it is not defined."""


@dataclass(frozen=True)
class FalseAlarms:
    """What is marked where nothing changed; the shares are None where every pair has changed pixels."""

    pairs: int
    """Pairs without a changed pixel."""
    pixel_share: float | None
    """Share of their pixels that is marked."""
    pair_share: float | None
    """Share of them with any pixel marked."""


def confusion_matrix(
    truth: Integer[np.ndarray, "..."] | Integer[Tensor, "..."],
    prediction: Integer[np.ndarray, "..."] | Integer[Tensor, "..."],
    num_classes: int,
    ignore: int = -1,
) -> Int[np.ndarray, "k k"]:
    """Counts (k, k) of 0-based classes, rows truth, columns prediction, without truth equal to ``ignore``.

    Raises ``ValueError`` when shapes differ or a class lies outside 0 .. ``num_classes`` - 1.
    """
    wanted, found = _array(truth), _array(prediction)
    if wanted.shape != found.shape:
        raise ValueError(f"truth has shape {wanted.shape}, the prediction {found.shape}")
    counted = wanted != ignore
    wanted, found = wanted[counted].astype(np.int64), found[counted].astype(np.int64)
    for name, classes in (("truth", wanted), ("prediction", found)):
        if classes.size and not (classes.min() >= 0 and classes.max() < num_classes):
            raise ValueError(f"{name} has classes outside 0 .. {num_classes - 1}")
    cells = np.bincount(wanted * num_classes + found, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def class_scores(confusion: Integer[np.ndarray, "k k"]) -> ClassScores:
    """All scores of a land-cover map; raises ``ValueError`` when the matrix counts no pixel."""
    cells = confusion.astype(np.int64)
    hits = [int(v) for v in np.diag(cells)]
    support = [int(v) for v in cells.sum(axis=1)]
    predicted = [int(v) for v in cells.sum(axis=0)]
    oa, kappa = _agreement(cells)
    columns = list(zip(hits, support, predicted, strict=True))
    recall = [h / s if s else math.nan for h, s, _ in columns]
    precision = [h / max(p, 1) if s else math.nan for h, s, p in columns]
    f1 = [2 * h / (s + p) if s else math.nan for h, s, p in columns]
    present = [r for r in recall if not math.isnan(r)]
    return ClassScores(
        oa=oa,
        aa=math.fsum(present) / len(present),
        kappa=kappa,
        precision=tuple(precision),
        recall=tuple(recall),
        f1=tuple(f1),
        support=tuple(support),
        absent=tuple(index for index, s in enumerate(support) if not s),
    )


def change_scores(confusion: Integer[np.ndarray, "2 2"]) -> ChangeScores:
    """Scores of the class "changed" (index 1); raises ``ValueError`` when the matrix counts no pixel.

    Precision without a predicted change, recall without a true one: 1 if there is neither, else 0.
    """
    cells = confusion.astype(np.int64)
    oa, kappa = _agreement(cells)
    precision, recall, f1, iou = (
        float(_change_ratio(cells[None], name)[0]) for name in ("precision", "recall", "f1", "iou")
    )
    return ChangeScores(precision, recall, f1, iou, oa, kappa)


def histogram(
    probability: Float[np.ndarray, "..."] | Float[Tensor, "..."],
    changed: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    valid: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    bins: int = BINS,
) -> Int[np.ndarray, "2 bins"]:
    """Valid pixels by probability of change: row 0 those without change, row 1 those with; addable.

    Bin i holds i / bins <= probability < (i + 1) / bins, the last one also probability 1. Raises
    ``ValueError`` when a valid probability is not in [0, 1].
    """
    counted = _array(valid)
    # float32 * bins is exact in float64, so that a pixel's bin says on which side of every i / bins it lies
    level = _array(probability)[counted].astype(np.float64) * bins
    if level.size and not (level.min() >= 0 and level.max() <= bins):
        raise ValueError("a probability lies outside [0, 1] or is not a number")
    place = np.minimum(level.astype(np.int64), bins - 1) + bins * _array(changed)[counted].astype(np.int64)
    return np.bincount(place, minlength=2 * bins).reshape(2, bins).astype(np.int64)


def logit_histogram(
    logit: Float[np.ndarray, "..."] | Float[Tensor, "..."],
    changed: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
    valid: Bool[np.ndarray, "..."] | Bool[Tensor, "..."],
) -> Int[np.ndarray, "2 levels"]:
    """Valid pixels by logit of change, rounded to the nearest of ``logit_levels``; rows as in ``histogram``.

    Probabilities near 0 and 1, which share a bin of ``histogram``, are told apart. Raises ``ValueError`` when
    a valid logit is not a number.
    """
    counted = _array(valid)
    level = _array(logit)[counted].astype(np.float64)
    if np.isnan(level).any():
        raise ValueError("a logit is not a number")
    levels = len(logit_levels())
    place = np.rint((level.clip(-LOGIT_LIMIT, LOGIT_LIMIT) + LOGIT_LIMIT) / LOGIT_STEP).astype(np.int64)
    place += levels * _array(changed)[counted].astype(np.int64)
    return np.bincount(place, minlength=2 * levels).reshape(2, levels).astype(np.int64)


def confusion_at(counts: Integer[np.ndarray, "2 bins"], threshold: float) -> Int[np.ndarray, "2 2"]:
    """Confusion matrix when a pixel counts as changed where probability >= ``threshold`` in [0, 1].

    Exact for a threshold on the edge of a bin, i / bins; others are rounded to the nearest edge.
    """
    edge = round(threshold * counts.shape[1])
    found = counts[:, edge:].sum(axis=1)
    return np.stack([counts.sum(axis=1) - found, found], axis=1).astype(np.int64)


def best_threshold(counts: Integer[np.ndarray, "2 bins"]) -> tuple[float, ChangeScores]:
    """Threshold i / bins (0 < i < bins) of the highest F1, and the scores there; ties: the nearest to 0.5."""
    bins = counts.shape[1]
    if bins < 2:
        raise ValueError("a threshold needs at least two bins")
    total = counts.sum(axis=1).astype(np.int64)
    found = (
        counts[:, ::-1].cumsum(axis=1)[:, ::-1].T[1:].astype(np.int64)
    )  # (bins - 1, 2) at edges 1 .. bins - 1
    f1 = _change_ratio(np.stack([total - found, found], axis=-1), "f1")
    edges = np.arange(1, bins)
    best = np.flatnonzero(f1 == f1.max())
    threshold = float(edges[best[np.abs(2 * edges[best] - bins).argmin()]] / bins)
    return threshold, change_scores(confusion_at(counts, threshold))


def bootstrap_interval(
    confusions: Integer[np.ndarray, "m 2 2"],
    score: ChangeScore = "f1",
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the summed matrix's score when the m pairs are drawn anew with replacement."""
    if score not in get_args(ChangeScore):
        raise ValueError(f"no score {score!r}; there are {', '.join(get_args(ChangeScore))}")
    pairs = len(confusions)
    if not pairs:
        raise ValueError("a bootstrap needs at least one pair")
    cells = confusions.reshape(pairs, 4).astype(np.float64)  # sums stay exact below 2**53 pixels
    random = np.random.default_rng(seed)
    values = []
    at_once = max(1, 4_000_000 // pairs)  # 32 MB of draws
    for start in range(0, draws, at_once):
        times = random.multinomial(pairs, np.full(pairs, 1 / pairs), size=min(at_once, draws - start))
        summed = (times.astype(np.float64) @ cells).astype(np.int64).reshape(-1, 2, 2)
        values.append(_change_ratio(summed, score))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def false_alarms(confusions: Integer[np.ndarray, "m 2 2"]) -> FalseAlarms:
    """What is marked on the pairs in which nothing changed; pairs of which nothing is known do not count."""
    quiet = confusions[(confusions[:, 1].sum(axis=1) == 0) & (confusions[:, 0].sum(axis=1) > 0)]
    if not len(quiet):
        return FalseAlarms(0, None, None)
    right, wrong = (int(v) for v in quiet[:, 0].sum(axis=0))
    marked = int(np.count_nonzero(quiet[:, 0, 1]))
    return FalseAlarms(len(quiet), wrong / (right + wrong), marked / len(quiet))


def logit_levels() -> Float[np.ndarray, " levels"]:
    """The logits that ``logit_histogram`` rounds to."""
    steps = round(LOGIT_LIMIT / LOGIT_STEP)
    return np.arange(-steps, steps + 1) * LOGIT_STEP


def summarise(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of repeats; the deviation of a single value is nan."""
    if not values:
        raise ValueError("nothing to summarise")
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return float(np.mean(values)), deviation


def _array(values: np.ndarray | Tensor) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def _agreement(cells: Int[np.ndarray, "k k"]) -> tuple[float, float]:
    """Overall accuracy and kappa. Quotients of whole numbers are rounded once, which keeps kappa <= oa."""
    total = int(cells.sum())
    if not total:
        raise ValueError("the confusion matrix counts no pixel")
    hits = int(np.trace(cells))
    by_chance = sum(int(t) * int(p) for t, p in zip(cells.sum(axis=1), cells.sum(axis=0), strict=True))
    undefined = by_chance == total**2  # one class alone in truth and prediction
    return hits / total, 0.0 if undefined else (total * hits - by_chance) / (total**2 - by_chance)


def _change_ratio(cells: Int[np.ndarray, "m 2 2"], score: str) -> Float[np.ndarray, " m"]:
    tn, fp, fn, tp = (cells[:, row, column] for row in (0, 1) for column in (0, 1))
    if score == "kappa":
        return _change_kappa(cells)
    above, below = {
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "iou": (tp, tp + fp + fn),
        "oa": (tp + tn, tp + tn + fp + fn),
    }[score]
    neither = tp + fp + fn == 0
    return np.where(below > 0, above / np.maximum(below, 1), np.where(neither, 1.0, 0.0))


def _change_kappa(cells: Int[np.ndarray, "m 2 2"]) -> Float[np.ndarray, " m"]:
    share = cells / np.maximum(cells.sum(axis=(1, 2)), 1)[:, None, None]
    observed = share[:, 0, 0] + share[:, 1, 1]
    by_chance = (share.sum(axis=1) * share.sum(axis=2)).sum(axis=1)
    defined = by_chance < 1
    return np.where(defined, (observed - by_chance) / np.where(defined, 1 - by_chance, 1.0), 0.0)
