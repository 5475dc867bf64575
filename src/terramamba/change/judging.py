"""What a trained detector is worth: scores at the threshold of validation, and calibration."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from terramamba.change.scored_pairs import ScoredPairs
from terramamba.change.scores import PairCounts, confusions_at, count_pairs, pair_scores, write_thresholds
from terramamba.change.settings import ChangeSettings
from terramamba.core.files import plain
from terramamba.core.run_files import CONFUSION, RELIABILITY, THRESHOLDS
from terramamba.data.labels.class_table import ClassTable
from terramamba.models.model import Model
from terramamba.runs.folder import write_confusion
from terramamba.runs.model_card import JudgedCard, Threshold, ThresholdSource
from terramamba.scores.calibration import (
    change_calibration,
    change_temperature,
    temperature_fit,
    write_reliability,
)
from terramamba.scores.certainty import change_certainty
from terramamba.scores.sampling_units import from_confusions, write_units
from terramamba.scores.thresholds import best_threshold, checked_threshold
from terramamba.training.predict import Passing
from terramamba.training.task import Judgement

CLASSES = ClassTable((0, 1), ("unchanged", "changed"), (None, None))
UNTESTED_SCORES = {"pairs": 0, "confusion": [[0, 0], [0, 0]]}
"""Of a run whose data have no test pairs: nothing was counted."""
FIXED_THRESHOLD = 0.5


def judge_pairs(
    model: Model, scored: Mapping[str, ScoredPairs], settings: ChangeSettings, threshold: float | None
) -> Judgement:
    """Score at the threshold that is given, else chosen, else fixed; calibration from validation.

    ``scored`` are validation pairs and, where there are some, test pairs.
    """
    cut, chosen_by = _threshold(settings.threshold, threshold)
    counts = {subset: counted(model, pairs, device=settings.device) for subset, pairs in scored.items()}
    temperature = change_temperature(counts["validation"].logits)
    calibrations = {subset: change_calibration(of.logits, temperature) for subset, of in counts.items()}
    by_meaning = _cuts(scored["validation"], counts["validation"], cut, chosen_by)
    cuts: Mapping[str, float | list[float]] = {
        subset: [by_meaning.get(pair.what or "", cut) for pair in pairs.pairs]
        for subset, pairs in scored.items()
    }
    scores = {subset: pair_scores(of, cuts[subset], calibrations[subset]) for subset, of in counts.items()}
    scores.setdefault("test", UNTESTED_SCORES)

    def write(folder: Path) -> None:
        write_thresholds(folder / THRESHOLDS, counts, cut)
        write_reliability(folder / RELIABILITY, calibrations)
        if "test" not in counts:
            return
        tested = confusions_at(counts["test"].histograms, cuts["test"])
        write_confusion(folder / CONFUSION, np.array(scores["test"]["confusion"]), CLASSES.names)
        write_units(folder, from_confusions([pair.name for pair in scored["test"].pairs], tested))

    fitted = temperature_fit(calibrations["validation"])
    card = JudgedCard(
        threshold=Threshold(cut, chosen_by),
        thresholds=by_meaning or None,
        calibration=fitted,
        # one distribution of certainty would mix several thresholds
        certainty=None if by_meaning else change_certainty(counts["validation"].logits, cut, temperature),
    )
    facts = {"threshold": cut, "threshold_from": chosen_by, "calibration": plain(fitted)}
    facts |= {"thresholds": by_meaning} if by_meaning else {}
    return Judgement(scores, card, facts, write)


def _cuts(
    pairs: ScoredPairs, counts: PairCounts, cut: float, chosen_by: ThresholdSource
) -> Mapping[str, float]:
    """The threshold for each meaning of "changed": that with the best F1 on its validation ``pairs``."""
    if chosen_by != "validation":
        return dict.fromkeys(pairs.meanings, cut)
    asked = np.array([pair.what for pair in pairs.pairs])
    histograms = counts.histograms
    shown = {what: histograms[asked == what].sum(axis=0) for what in pairs.meanings}
    return {what: best_threshold(of) if of[1].any() else cut for what, of in shown.items()}


def _threshold(given: float | None, chosen: float | None) -> tuple[float, ThresholdSource]:
    if given is not None:
        return checked_threshold(given), "given"
    return (FIXED_THRESHOLD, "fixed") if chosen is None else (chosen, "validation")


def counted(model: Model, pairs: ScoredPairs, *, device: str, passing: Passing | None = None) -> PairCounts:
    """Count what ``model`` says of whole ``pairs``, whose rows ``passing`` sees, and with swapped dates."""
    return count_pairs(model, pairs, pairs.swapped(), device=device, passing=passing)
