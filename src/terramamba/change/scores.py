"""Every score of a change detector on pairs: at its threshold, over thresholds, with the dates swapped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.core.files import write_table
from terramamba.models.model import Model
from terramamba.scores.bootstrap import bootstrap_interval
from terramamba.scores.calibration import Calibration
from terramamba.scores.metrics import class_counts, quiet_pairs
from terramamba.scores.score import Score, Source, evaluated, per_class
from terramamba.scores.score_table import CHANGE_SCORES
from terramamba.scores.thresholds import confusion_at
from terramamba.training.predict import Passing, change_counts, evaluate_change

CURVE_STEPS = 100


@dataclass(frozen=True, eq=False)
class PairCounts:
    """What a detector says of m pairs, counted: exact at any whole thousandth and any temperature."""

    histograms: Int[np.ndarray, "m 2 bins"]
    """By probability of change, as ``thresholds.histogram``, for each pair."""
    swapped: Int[np.ndarray, "m 2 bins"]
    """The same with the later date before the earlier."""
    logits: Int[np.ndarray, "2 levels"]
    """By logit, as ``calibration.logit_histogram``, of all pairs."""


def count_pairs(
    model: Model,
    pairs: Dataset[dict[str, Tensor]],
    swapped: Dataset[dict[str, Tensor]],
    *,
    device: str = "auto",
    passing: Passing | None = None,
) -> PairCounts:
    """Run ``model`` over whole ``pairs``, whose rows ``passing`` sees, and with the dates ``swapped``."""
    counts = change_counts(model, pairs, device=device, passing=passing)
    return PairCounts(counts.histograms, evaluate_change(model, swapped, device=device), counts.logits)


def pair_scores(
    counts: PairCounts, threshold: float | Sequence[float], calibration: Calibration | None
) -> dict[str, Any]:
    """Return every score at ``threshold``, a whole thousandth or one for each pair, as plain numbers.

    Also bootstrap intervals over pairs, how much F1 changes when the dates are swapped and, where it is
    known, ``calibration``. Pairs without a pixel that was counted are left out: they are neither right nor
    wrong. Raises ``ValueError`` when no pixel was counted.
    """
    confusions = confusions_at(counts.histograms, threshold)
    confusions = confusions[confusions.any(axis=(1, 2))]
    by_pair = class_counts(confusions)
    made_of: dict[Source, Any] = {
        "pixels": by_pair.sum(axis=0),
        "pairs": by_pair,
        "swapped": class_counts(confusions_at(counts.swapped, threshold).sum(axis=0)),
    }
    if calibration is not None:
        made_of["calibration"] = calibration
    found = evaluated(CHANGE_SCORES, made_of)
    return found | {
        **{f"{score.key}_interval": _interval(by_pair, score) for score in CHANGE_SCORES if score.interval},
        "unchanged_pairs": len(quiet_pairs(by_pair)),
        "f1_swap_difference": found["f1_dates_swapped"] - found["f1"],
        "pairs": len(confusions),
        "confusion": confusions.sum(axis=0).tolist(),
    }


def confusions_at(
    histograms: Int[np.ndarray, "m 2 bins"], threshold: float | Sequence[float]
) -> Int[np.ndarray, "m 2 2"]:
    """Count the confusion matrix of each pair at ``threshold``, one for all or one for each."""
    cuts = [threshold] * len(histograms) if isinstance(threshold, float) else threshold
    return np.stack([confusion_at(one, cut) for one, cut in zip(histograms, cuts, strict=True)])


def write_thresholds(path: Path, subsets: Mapping[str, PairCounts], chosen: float) -> None:
    """Write the scores over thresholds as CSV: 0.01, 0.02, ... 0.99 and the ``chosen`` one, for each subset.

    Columns: ``part`` ("validation", "test"); ``threshold``; the scores of the class "changed" (``f1``,
    ``iou``, ``precision``, ``recall``); ``chosen``, 1 for the run's own threshold. Those of test are there to
    be seen; nothing is chosen by them.
    """
    thresholds = sorted({*(step / CURVE_STEPS for step in range(1, CURVE_STEPS)), chosen})
    curves = per_class(CHANGE_SCORES)
    rows = []
    for subset, counts in subsets.items():
        total = counts.histograms.sum(axis=0)
        for threshold in thresholds:
            found = evaluated(curves, {"pixels": class_counts(confusion_at(total, threshold))})
            rows.append([subset, threshold, *found.values(), int(threshold == chosen)])
    write_table(path, ["part", "threshold", *(score.key for score in curves), "chosen"], rows)


def _interval(by_pair: Int[np.ndarray, "m two three"], score: Score) -> list[float] | None:
    """Bootstrap interval over pairs; a single pair has none."""
    return list(bootstrap_interval(by_pair[None], score.of)) if len(by_pair) > 1 else None
