"""Every score of a change detector on pairs: at its threshold, over thresholds, with the dates swapped."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.data import Dataset

from terramamba.core.files import write_table
from terramamba.scores.calibration import Calibration
from terramamba.scores.metrics import bootstrap_interval, change_scores, confusion_at, false_alarms
from terramamba.training.predict import change_counts, evaluate_change

THRESHOLDS = "thresholds.csv"
STEPS = 100
CURVES = ("precision", "recall", "f1", "iou")


@dataclass(frozen=True, eq=False)
class PairCounts:
    """What a detector says of a set of m pairs, counted: exact for any threshold and temperature."""

    histograms: Int[np.ndarray, "m 2 bins"]
    """By probability of change, as ``metrics.histogram``, for each pair."""
    swapped: Int[np.ndarray, "m 2 bins"]
    """The same with the later date before the earlier."""
    logits: Int[np.ndarray, "2 levels"]
    """By logit, as ``metrics.logit_histogram``, of all pairs."""


def count_pairs(
    model: nn.Module,
    pairs: Dataset[dict[str, Tensor]],
    swapped: Dataset[dict[str, Tensor]],
    *,
    device: str = "auto",
) -> PairCounts:
    """Run ``model`` over whole ``pairs``, and over the same with the dates ``swapped``."""
    counts = change_counts(model, pairs, device=device)
    return PairCounts(counts.histograms, evaluate_change(model, swapped, device=device), counts.logits)


def pair_scores(counts: PairCounts, threshold: float, calibration: Calibration | None) -> dict[str, Any]:
    """Every score at ``threshold`` as plain numbers.

    Also bootstrap intervals over pairs, false alarms, scores with swapped dates and, where it is known,
    ``calibration``.
    """
    confusions = np.stack([confusion_at(histogram, threshold) for histogram in counts.histograms])
    total: Int[np.ndarray, "2 2"] = confusions.sum(axis=0)
    scores = change_scores(total)
    swapped = change_scores(confusion_at(counts.swapped.sum(axis=0), threshold))
    alarms = false_alarms(confusions)
    found = {
        **asdict(scores),
        **{f"{score}_interval": _interval(confusions, score) for score in ("f1", "iou")},
        "false_alarm_rate": alarms.pixel_share,
        "false_alarm_pair_rate": alarms.pair_share,
        "unchanged_pairs": alarms.pairs,
        "f1_dates_swapped": swapped.f1,
        "iou_dates_swapped": swapped.iou,
        "f1_swap_difference": swapped.f1 - scores.f1,
        "pairs": len(confusions),
        "confusion": total.tolist(),
    }
    if calibration is not None:
        found["calibration"] = calibration.record()
    return found


def write_thresholds(path: Path, parts: Mapping[str, PairCounts], chosen: float) -> None:
    """Write the scores over thresholds as CSV: 0.01, 0.02, ... 0.99 and the ``chosen`` one, for each part.

    Columns: ``part`` ("validation", "test"); ``threshold``; ``precision``, ``recall``, ``f1``, ``iou`` of the
    class "changed"; ``chosen``, 1 for the run's own threshold. Those of test are there to be seen; nothing is
    chosen by them.
    """
    thresholds = sorted({*(step / STEPS for step in range(1, STEPS)), chosen})
    rows = []
    for part, counts in parts.items():
        total = counts.histograms.sum(axis=0)
        for threshold in thresholds:
            scores = asdict(change_scores(confusion_at(total, threshold)))
            curve = [scores[name] for name in CURVES]
            rows.append([part, threshold, *curve, int(threshold == chosen)])
    write_table(path, ["part", "threshold", *CURVES, "chosen"], rows)


def _interval(confusions: Int[np.ndarray, "m 2 2"], score: Literal["f1", "iou"]) -> list[float] | None:
    """Bootstrap interval over pairs; a single pair has none."""
    return list(bootstrap_interval(confusions, score)) if len(confusions) > 1 else None
