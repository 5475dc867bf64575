"""The summary: what a run and its map come to, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.mapping.area_table import ClassArea
from terramamba.report.comparable import why_not_comparable
from terramamba.report.maps import ReportMap
from terramamba.report.task import ReportTask
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Score, by_name
from terramamba.scores.score_table import CALIBRATION_SCORES

ERROR, SCALED_ERROR = (by_name(CALIBRATION_SCORES)[f"calibration_{key}"] for key in ("ece", "ece_scaled"))
"""How far probabilities are off: as they are, and at the run's temperature."""


def compare_sentences(task: ReportTask, runs: Sequence[RunRecord], score: Score) -> list[str]:
    """Write which run is first by ``score`` and what its test says, or why they cannot be compared."""
    tested = [run for run in runs if score.value_in(run.test) is not None]
    if not tested:
        return [f"None of the {len(runs)} runs was tested."]
    if (reason := why_not_comparable(runs)) is not None:
        return [f"The {len(runs)} runs stand beside each other but are not compared: {reason}."]
    best = max(tested, key=lambda run: score.goodness(score.value_in(run.test)))
    which, reached = score.extreme, score.shown(score.value_in(best.test), sign=True)
    return [
        f"Of {len(runs)} runs, {best.name} has the {which} {score.title}: {reached}.",
        *run_sentences(task, best),
    ]


def run_sentences(task: ReportTask, run: RunRecord) -> list[str]:
    """Write what the run's own test says; of pretrained weights, what they are."""
    if run.pretrained is None:
        return task.sentences(run)
    facts = run.pretrained.facts
    return [f"Made with {facts['name']}: {facts['what']}. Terms: {facts['terms']}."]


def map_sentences(task: ReportTask, land: ReportMap) -> list[str]:
    """Write how much of the map is what."""
    mapped = sum(entry.pixels for entry in land.areas)
    if not mapped:
        return ["The map holds no data."]
    said = task.map_sentence(land, mapped)
    return [said, *([f"{land.nodata_pixels:,} pixels have no data."] if land.nodata_pixels else [])]


def percent(value: Any, digits: int = 1) -> str:
    """Write a fraction as per cent; a dash where it is not defined."""
    return "–" if value is None or value != value else f"{100 * value:.{digits}f} %"


def reached(score: Score, found: Mapping[str, Any]) -> str:
    """Write the value of ``score`` in the scores of a run, with its unit; a dash where it is not defined."""
    return score.shown(score.value_in(found), coarse=True, sign=True) or "–"


def amount(entry: ClassArea) -> str:
    """Write pixels, and hectares where they are known."""
    words = f"{entry.pixels:,} pixels"
    return words if entry.hectares is None else f"{words} ({entry.hectares:,.2f} ha)"


def model_name(run: RunRecord) -> str:
    """Write model and size, such as ``ssa-mamba tiny``."""
    words = (run.metrics.model, run.metrics.preset)
    return " ".join(word for word in words if word not in (None, "", "default")) or "the model"


def caveats(run: RunRecord) -> list[str]:
    """Return what has to be known before the scores are believed."""
    leaks = run.metrics.leakage_in_words
    warnings = () if run.plan is None else run.plan.warnings
    return [*warnings, *([leaks] if leaks else []), *run.metrics.notes]


def calibration_sentences(test: Mapping[str, Any]) -> list[str]:
    """Write how far the run's probabilities are off, where that was measured."""
    if not test.get("calibration"):
        return []
    return [f"Its probabilities are off by {reached(ERROR, test)} on average."]
