"""Every score as a function of exact counts, so that parts of any size can be added before they are scored.

Counts of a class are three: its pixels in the truth (``TRUTH``), the pixels that were given it (``FOUND``),
and those where both agree (``HITS``). They follow from a confusion matrix, whose rows are the truth, and of
two classes they say as much as it. Matrices and counts are int64: sums over batches, files or processes are
exact and do not depend on their order.

A score takes ``*batch k 3`` and gives ``*batch``, so that one function serves a test set, a thousand
thresholds and ten thousand draws of a bootstrap alike; ``class_`` scores give ``*batch k``. All lie between
0 and 1, kappa from -1. What is listed in ``score_table`` is one of these.

Shapes: k classes; u sampling units (``sampling_units``).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int, Integer, Num
from torch import Tensor

TRUTH, FOUND, HITS = 0, 1, 2
UNCHANGED, CHANGED = 0, 1

Counts = Num[np.ndarray, "*batch k three"]
Tally = np.ndarray | np.number | int
"""What is left of ``Counts`` when a column is taken and a class, or the sum of classes."""
OfCounts = Callable[[Counts], Float[np.ndarray, "..."]]


def confusion_matrix(
    truth: Integer[np.ndarray, "..."] | Integer[Tensor, "..."],
    prediction: Integer[np.ndarray, "..."] | Integer[Tensor, "..."],
    num_classes: int,
    ignore: int = -1,
) -> Int[np.ndarray, "k k"]:
    """Count pixels (k, k) by 0-based class, rows truth, columns prediction, but where truth is ``ignore``.

    Raises ``ValueError`` when shapes differ or a class lies outside 0 .. ``num_classes`` - 1.
    """
    wanted, found = as_array(truth), as_array(prediction)
    if wanted.shape != found.shape:
        raise ValueError(f"truth has shape {wanted.shape}, the prediction {found.shape}")
    counted = wanted != ignore
    wanted, found = wanted[counted].astype(np.int64), found[counted].astype(np.int64)
    for name, classes in (("truth", wanted), ("prediction", found)):
        if classes.size and not (classes.min() >= 0 and classes.max() < num_classes):
            raise ValueError(f"{name} has classes outside 0 .. {num_classes - 1}")
    cells = np.bincount(wanted * num_classes + found, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def class_counts(confusion: Integer[np.ndarray, "*batch k k"]) -> Int[np.ndarray, "*batch k three"]:
    """Return the counts of each class, from confusion matrices."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.stack([confusion.sum(axis=-1), confusion.sum(axis=-2), hits], axis=-1).astype(np.int64)


def overall_accuracy(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the share of pixels that are given their class."""
    return _ratio(counts[..., HITS].sum(-1), counts[..., TRUTH].sum(-1))


def average_accuracy(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the mean recall of the classes that are present: those with a pixel in the truth."""
    present = counts[..., TRUTH] > 0
    recall = np.where(present, class_recall(counts), 0.0)
    total = [math.fsum(of_classes) for of_classes in recall.reshape(-1, recall.shape[-1]).tolist()]
    return _ratio(np.array(total).reshape(recall.shape[:-1]), present.sum(-1))


def kappa(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the agreement beyond chance (Cohen), never above overall accuracy; 0 where it is not defined."""
    tables = counts.reshape(-1, *counts.shape[-2:]).tolist()
    return np.array([_kappa(table) for table in tables]).reshape(counts.shape[:-2])


def worst_recall(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the lowest recall of the classes that are present; nan where none is."""
    present = counts[..., TRUTH] > 0
    lowest = np.where(present, class_recall(counts), np.inf).min(axis=-1)
    return np.where(present.any(axis=-1), lowest, np.nan)


def class_precision(counts: Counts) -> Float[np.ndarray, "*batch k"]:
    """Return the user's accuracy: 0 for a class that is never predicted, nan for one that is absent."""
    return _of_present(counts, _ratio(counts[..., HITS], counts[..., FOUND]))


def class_recall(counts: Counts) -> Float[np.ndarray, "*batch k"]:
    """Return the producer's accuracy; nan for an absent class."""
    return _of_present(counts, _ratio(counts[..., HITS], counts[..., TRUTH]))


def class_f1(counts: Counts) -> Float[np.ndarray, "*batch k"]:
    """Return the harmonic mean of precision and recall; nan for an absent class."""
    return _of_present(counts, _ratio(2 * counts[..., HITS], counts[..., TRUTH] + counts[..., FOUND]))


def change_precision(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the share of the marked pixels that changed; 1 where nothing changed and none is marked."""
    truth, found, hits = _of_changed(counts)
    return _right_where_nothing_is(truth + found, _ratio(hits, found))


def change_recall(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the share of the changed pixels that are marked; 1 where nothing changed and none is marked."""
    truth, found, hits = _of_changed(counts)
    return _right_where_nothing_is(truth + found, _ratio(hits, truth))


def change_f1(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the harmonic mean of both; 1 where nothing changed and none is marked."""
    truth, found, hits = _of_changed(counts)
    return _right_where_nothing_is(truth + found, _ratio(2 * hits, truth + found))


def change_iou(counts: Counts) -> Float[np.ndarray, "*batch"]:
    """Return the share marked and changed of what is marked or changed; 1 where none is either."""
    truth, found, hits = _of_changed(counts)
    return _right_where_nothing_is(truth + found, _ratio(hits, truth + found - hits))


def false_alarm_rate(by_pair: Num[np.ndarray, "u k three"]) -> Float[np.ndarray, ""]:
    """Return the share of the pixels marked on pairs in which nothing changed; nan without such a pair."""
    quiet = quiet_pairs(by_pair)
    marked, pixels = quiet[:, CHANGED, FOUND].sum(), quiet[:, UNCHANGED, TRUTH].sum()
    return np.where(pixels > 0, _ratio(marked, pixels), np.nan)


def false_alarm_pair_rate(by_pair: Num[np.ndarray, "u k three"]) -> Float[np.ndarray, ""]:
    """Return the share of the pairs without change that have any pixel marked; nan without such a pair."""
    quiet = quiet_pairs(by_pair)
    return np.where(len(quiet) > 0, _ratio(np.count_nonzero(quiet[:, CHANGED, FOUND]), len(quiet)), np.nan)


def quiet_pairs(by_pair: Num[np.ndarray, "u k three"]) -> Num[np.ndarray, "quiet k three"]:
    """Return the pairs without a changed pixel; those of which nothing is known are none of them."""
    return by_pair[(by_pair[:, CHANGED, TRUTH] == 0) & (by_pair[:, UNCHANGED, TRUTH] > 0)]


def summarise(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1) of repeats; the deviation of a single value is nan."""
    if not values:
        raise ValueError("nothing to summarise")
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return float(np.mean(values)), deviation


def as_array(values: np.ndarray | Tensor) -> np.ndarray:
    """Return ``values`` as an array on the CPU."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def _ratio(above: Tally, below: Tally) -> Float[np.ndarray, "..."]:
    """Quotient of counts; 0 where there is nothing to count."""
    return np.where(below > 0, above / np.maximum(below, 1), 0.0)


def _of_present(counts: Counts, values: Float[np.ndarray, "*batch k"]) -> Float[np.ndarray, "*batch k"]:
    return np.where(counts[..., TRUTH] > 0, values, np.nan)


def _of_changed(counts: Counts) -> tuple[Tally, Tally, Tally]:
    """Counts of the class "changed": truth, found, hits."""
    truth, found, hits = (counts[..., CHANGED, which] for which in (TRUTH, FOUND, HITS))
    return truth, found, hits


def _right_where_nothing_is(
    either: Tally, values: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch"]:
    return np.where(either == 0, 1.0, values)


def _kappa(classes: Sequence[Sequence[float]]) -> float:
    """Kappa of one table. Quotients of whole numbers are rounded once, which keeps kappa <= accuracy."""
    truth, found, hits = ([int(count) for count in column] for column in zip(*classes, strict=True))
    total, by_chance = sum(truth), sum(t * f for t, f in zip(truth, found, strict=True))
    if by_chance == total**2:  # one class alone in truth and prediction, or no pixel
        return 0.0
    return (total * sum(hits) - by_chance) / (total**2 - by_chance)
