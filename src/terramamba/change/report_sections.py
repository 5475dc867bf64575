"""A change detector's sections of the page: what its test and its map come to."""

from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.mapping.probability import PROBABILITY_STEPS
from terramamba.report.controls import slider, swipe
from terramamba.report.maps import ReportMap
from terramamba.report.sections import bar_row
from terramamba.report.summary import amount, calibration_sentences, model_name, percent, reached
from terramamba.report.task import Colours
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores, by_name
from terramamba.scores.score_table import CHANGE_SCORES
from terramamba.scores.thresholds import STEPS

IMAGES = ("before", "after")
CAME_TRUE = "there was change"

NAMES = {0: "unchanged", 1: "changed"}
COLOURS = {0: (70, 76, 84), 1: (0, 229, 255)}
"""Cyan is rare in pictures of the ground, in false colour too, and no colour-blind eye takes it for red."""

F1, PRECISION, RECALL, SWAPPED, FALSE_ALARMS, FALSE_ALARM_PAIRS = (
    by_name(CHANGE_SCORES)[name]
    for name in (
        "f1",
        "precision",
        "recall",
        "f1_dates_swapped",
        "false_alarm_rate",
        "false_alarm_pair_rate",
    )
)

OPACITY = 70
"""Of the change layer, per cent."""


def sentences(run: RunRecord) -> list[str]:
    """Write what the run's own test says."""
    test = run.test
    if not test:
        return [f"{model_name(run)} was not tested: its data have no test pairs."]
    pairs = run.tested("pairs")
    said = [
        f"{model_name(run)} finds {reached(RECALL, test)} of what changed in {pairs} test"
        f" pair{'s' * (pairs != 1)} ({RECALL.title}), and {reached(PRECISION, test)} of what it"
        f" reports did change ({PRECISION.title}): {F1.title} {reached(F1, test)}{_interval(test)}."
    ]
    if (rate := FALSE_ALARMS.value_in(test)) is not None:
        where = ""
        if FALSE_ALARM_PAIRS.value_in(test) is not None:
            where = f", in {reached(FALSE_ALARM_PAIRS, test)} of the pairs without change"
        amount_marked = FALSE_ALARMS.shown(rate, sign=True)
        said.append(f"Where nothing changed, it still reports {amount_marked} of the pixels{where}.")
    if SWAPPED.value_in(test) is not None:
        said.append(f"With the dates swapped, {F1.title} is {reached(SWAPPED, test)}.")
    return [*said, *calibration_sentences(test)]


def _interval(test: Mapping[str, Any]) -> str:
    found: Sequence[float] | None = test.get(f"{F1.key}_interval")
    return "" if not found else f" (95 % of draws of the pairs: {percent(found[0])} to {percent(found[1])})"


def map_sentence(land: ReportMap, mapped: int) -> str:
    """Write how much of ``mapped`` pixels changed, in how many areas."""
    changed, count = land.areas[1], land.layers["areas"]
    return (
        f"The map marks {amount(changed)} as changed, {percent(changed.pixels / mapped, 2)} of what has"
        f" data, in {count:,} area{'s' * (count != 1)}."
    )


def legend(run: RunRecord) -> tuple[Mapping[int, str], Colours]:
    """Return name and colour of unchanged and changed."""
    return NAMES, COLOURS


def bars(run: RunRecord, scores: Scores) -> tuple[str, list[str]]:
    """Write the scores of what changed."""
    pixels = f"{sum(run.confusion[1]):,}" if run.confusion else "–"
    return "The class “changed”", [bar_row("changed", run.test, pixels, None, scores)]


def controls(land: ReportMap) -> list[str]:
    """Write controls: both dates where the page has them, the layer's opacity, the threshold."""
    dates = [swipe("before", "after")] if {"left", "right"} <= land.sides else []
    return [*dates, slider("opacity", "Opacity of the layer", 0, 100, OPACITY), _threshold(land)]


def _threshold(land: ReportMap) -> str:
    if "steps" not in land.layers:
        return (
            '<p class="hint">With the probabilities of the map there is a slider for the threshold here.</p>'
        )
    made_with = 0.5 if land.threshold is None else land.threshold
    words = "Threshold: least probability that counts as changed, in thousandths"
    return (
        slider("threshold", words, 1, STEPS, min(STEPS, max(1, round(STEPS * made_with))))
        + '<output id="counted" for="threshold" aria-live="polite"></output>'
        f'<p class="hint">The map was made with {made_with:g}. Probabilities are stored in steps of'
        f" 1/{PROBABILITY_STEPS}, so that counts near it differ a little from the map's.</p>"
    )
