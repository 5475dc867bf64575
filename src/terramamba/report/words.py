"""The summary: what a run and its map come to, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.mapping.area_table import ClassArea
from terramamba.report.maps import ReportMap
from terramamba.runs.record import RunRecord

SCORES = {
    "classify": {"oa": "overall accuracy", "aa": "average accuracy", "kappa": "kappa"},
    "change": {
        "f1": "F1",
        "iou": "IoU",
        "precision": "precision",
        "recall": "recall",
        "oa": "overall accuracy",
        "kappa": "kappa",
        "f1_dates_swapped": "F1, dates swapped",
        "false_alarm_rate": "false alarms where nothing changed",
    },
}
"""Scores on test and what they are called; the first one decides."""


def run_sentences(run: RunRecord) -> list[str]:
    """What the run's own test says."""
    return _classify(run) if run.task == "classify" else _change(run)


def compare_sentences(runs: Sequence[RunRecord]) -> list[str]:
    """Which of several runs comes first, what its test says, and whether the tests are the same."""
    score, words = next(iter(SCORES[runs[0].task].items()))
    best = max(runs, key=lambda run: run.test[score])
    said = [
        f"Of {len(runs)} runs, {best.name} has the highest {words}: {percent(best.test[score], 2)}.",
        *run_sentences(best),
    ]
    if len({(run.metrics.protocol, run.metrics.split_id) for run in runs}) > 1:
        said.append("The runs were not tested on the same split: their scores cannot be compared directly.")
    return said


def map_sentences(land: ReportMap) -> list[str]:
    """How much of the map is what."""
    mapped = sum(entry.pixels for entry in land.areas)
    if not mapped:
        return ["The map holds no data."]
    if land.task == "change":
        changed = land.areas[1]
        count = land.layers["areas"]
        said = (
            f"The map marks {amount(changed)} as changed, {percent(changed.pixels / mapped, 2)} of what has"
            f" data, in {count:,} area{'s' * (count != 1)}."
        )
    else:
        largest = max(land.areas, key=lambda entry: entry.pixels)
        said = (
            f"The map has {mapped:,} classified pixels; the largest class is {largest.name} with"
            f" {percent(largest.pixels / mapped)}: {amount(largest)}."
        )
    return [said, *([f"{land.nodata_pixels:,} pixels have no data."] if land.nodata_pixels else [])]


def percent(value: Any, digits: int = 1) -> str:
    """A share as per cent; a dash where it is not defined."""
    return "–" if value is None or value != value else f"{100 * value:.{digits}f} %"


def amount(entry: ClassArea) -> str:
    """Pixels, and hectares where they are known."""
    words = f"{entry.pixels:,} pixels"
    return words if entry.hectares is None else f"{words} ({entry.hectares:,.2f} ha)"


def model_name(run: RunRecord) -> str:
    """Model and size, such as ``ssa-mamba tiny``."""
    words = (run.metrics.model, run.metrics.preset)
    return " ".join(word for word in words if word not in (None, "", "default")) or "the model"


def caveats(run: RunRecord) -> list[str]:
    """What has to be known before the scores are believed."""
    leaks = run.metrics.leakage_in_words
    return [*([leaks] if leaks else []), *run.metrics.notes]


def _classify(run: RunRecord) -> list[str]:
    test = run.test
    pixels = sum(entry["pixels"] for entry in test["per_class"])
    said = [
        f"{model_name(run)} names the right class for {percent(test['oa'])} of {pixels:,} test pixels"
        f" (overall accuracy); the mean over the classes is {percent(test['aa'])}, kappa {test['kappa']:.3f}."
    ]
    worst = test.get("worst_class")
    if worst:
        said.append(f"Hardest is {worst['name']}: {percent(worst['recall'])} of its pixels are found.")
    if test.get("absent"):
        said.append(f"Not in the test: {', '.join(test['absent'])}.")
    return [*said, *_calibration(test)]


def _change(run: RunRecord) -> list[str]:
    test = run.test
    said = [
        f"{model_name(run)} finds {percent(test['recall'])} of what changed in {test['pairs']} test"
        f" pair{'s' * (test['pairs'] != 1)} (recall), and {percent(test['precision'])} of what it reports did"
        f" change (precision): F1 {percent(test['f1'])}{_interval(test)}."
    ]
    if test.get("false_alarm_rate") is not None:
        rate = percent(test["false_alarm_rate"], 2)
        where = ""
        if test.get("false_alarm_pair_rate") is not None:
            where = f", in {percent(test['false_alarm_pair_rate'])} of the pairs without change"
        said.append(f"Where nothing changed, it still reports {rate} of the pixels{where}.")
    if test.get("f1_dates_swapped") is not None:
        said.append(f"With the dates swapped, F1 is {percent(test['f1_dates_swapped'])}.")
    return [*said, *_calibration(test)]


def _calibration(test: Mapping[str, Any]) -> list[str]:
    found = test.get("calibration")
    if not found:
        return []
    return [f"Its probabilities are off by {percent(found['ece'])} on average."]


def _interval(test: Mapping[str, Any]) -> str:
    found: Sequence[float] | None = test.get("f1_interval")
    return "" if not found else f" (95 % of draws of the pairs: {percent(found[0])} to {percent(found[1])})"
