"""The results of both jobs as tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.cli.show import number, percent, show_facts, show_table
from terramamba.core.provenance import in_words
from terramamba.core.run_files import REPORT
from terramamba.scores.score import Score, Scores, of_set, per_class
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES

if TYPE_CHECKING:
    from terramamba.api import ChangeSummary, ClassSummary


FROM = {
    "validation": ", chosen on validation",
    "given": ", as given",
    "fixed": ", the method's own",
}
"""Where a threshold is from, in words."""


def show_classification(result: Mapping[str, Any], scores: Scores = LAND_COVER_SCORES) -> None:
    """Print what ``train_classifier`` or ``evaluate_classifier`` found."""
    test, of_classes = result["test"], per_class(scores)
    rows = [
        [entry["name"], *(score.shown(entry[score.key]) for score in of_classes), number(entry["pixels"])]
        for entry in test["per_class"]
    ]
    show_table("test pixels, %", ["class", *(score.heading for score in of_classes), "pixels"], rows)
    facts = {score.title: _fact(score, test) for score in of_set(scores) if score.value_in(test) is not None}
    if test["absent"]:
        facts["not in the test"] = ", ".join(test["absent"])
    show_facts(facts | _calibration(result) | _about(result))


def show_change(result: Mapping[str, Any], scores: Scores = CHANGE_SCORES) -> None:
    """Print what ``train_change_detector`` or ``evaluate_change_detector`` found."""
    test = result["test"]
    rows = [
        [score.label, score.shown(score.value_in(test)), _between(score, test.get(f"{score.key}_interval"))]
        for score in of_set(scores)
        if score.value_in(test) is not None
    ]
    show_table(f"changed pixels of {number(test['pairs'])} pairs, %", ["score", "%", "95 % of draws"], rows)
    facts = {
        "threshold": f"{number(result['threshold'])}{FROM.get(str(result.get('threshold_from')), '')}",
        "pairs without change": number(test["unchanged_pairs"]),
        "dates swapped": f"F1 changes by {percent(test['f1_swap_difference'])} percentage points",
    }
    show_facts(facts | _calibration(result) | _about(result))


def show_map(summary: "ClassSummary | ChangeSummary") -> None:
    """Print how much of a map is what, and the files that were written; after one shard, what is missing."""
    if summary.missing_parts is not None:
        join = f"terramamba join {summary.out}"
        after = f"{number(summary.missing_parts)}; when other shards have done them: {join}"
        show_facts({"parts missing": after if summary.missing_parts else f"none; now: {join}"})
        return
    mapped = max(1, summary.pixels - summary.nodata_pixels)
    rows = [
        [
            entry.name,
            number(entry.pixels),
            percent(entry.pixels / mapped),
            "" if entry.hectares is None else f"{entry.hectares:,.2f}",
        ]
        for entry in summary.classes
    ]
    show_table("mapped", ["class", "pixels", "%", "hectares"], rows)
    facts: dict[str, Any] = {"no data": f"{number(summary.nodata_pixels)} of {number(summary.pixels)} pixels"}
    if summary.not_finite_pixels:
        facts["of these"] = f"{number(summary.not_finite_pixels)} with NaN or infinity"
    areas = getattr(summary, "areas", None)
    if areas is not None:
        facts["changed areas"] = number(areas)
    if summary.temperature is not None:
        facts["calibrated"] = f"logits divided by temperature {number(summary.temperature)}"
        if threshold := getattr(summary, "threshold", None):
            facts["calibrated"] += f"; changed is what has a probability of {number(threshold)} or more"
    if tilings := getattr(summary, "tilings", 0):
        facts["mode"] = _mode(tilings, getattr(summary, "agreement", None))
    files = [summary.out, summary.probabilities, *getattr(summary, "polygons", ()), summary.areas_table]
    show_facts(facts | {"written": "\n".join(str(path) for path in files if path is not None)})


def _mode(tilings: int, agreement: float | None) -> str:
    words = f"fast, {tilings} tiling{'s' if tilings > 1 else ''}"
    if agreement is None:
        return f"{words}; this run has no record of how close that is to exact"
    return f"{words}: {percent(agreement)} % of the validation pixels come out as in exact mode"


def _fact(score: Score, test: Mapping[str, Any]) -> str:
    """A score, behind the name of the class that has it where it is one class's."""
    shown = score.shown(score.value_in(test), sign=True)
    whose = test[score.within].get("name") if score.within else None
    return shown if whose is None else f"{_joined(whose)}: {shown}"


def _calibration(result: Mapping[str, Any]) -> dict[str, Any]:
    """How far probabilities are from how often they come true; nothing where no temperature was fitted."""
    fitted, found = result.get("calibration"), result["test"].get("calibration")
    if not fitted or not found:
        return {}
    after = f"{percent(found['ece_scaled'])} % at temperature {number(fitted['temperature'])}"
    lines = [
        f"off by {percent(found['ece'])} % as is, {after} (fitted on validation; map --calibrated uses it)"
    ]
    if fitted["at_limit"]:
        lines.append("the temperature is at an end of its range: validation says little about it")
    return {"calibration": "\n".join(lines)}


def _about(result: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"protocol": result["protocol"]}
    if "leakage_in_words" in result:
        facts["leakage"] = "\n".join(_sentences(result["leakage_in_words"]))
    if result.get("notes"):
        facts["notes"] = "\n".join(_sentences(result["notes"]))
    if "parameters" in result:
        facts["model"] = f"{result['model']} ({result['preset']}), {number(result['parameters'])} parameters"
    if "seeds" in result:
        facts["seeds"] = ", ".join(map(str, result["seeds"]))
    if "best_epoch" in result:
        facts["epochs"] = f"best {number(result['best_epoch'])} of {number(result['epochs_run'])}"
    if "minutes" in result:
        facts["training"] = f"{number(result['minutes'], 3)} minutes on {result['device']}"
    if "code" in result:
        facts["code"] = in_words(result["code"])
    facts["run"] = result["folder"]
    page = Path(result["folder"]) / REPORT
    return facts | ({"page": str(page)} if page.is_file() else {})


def _sentences(said: Any) -> list[str]:
    """Each sentence once; runs with several seeds have lists of them where they differ."""
    if isinstance(said, str):
        return [said]
    return list(dict.fromkeys(sentence for entry in said for sentence in _sentences(entry)))


def _joined(names: Any) -> str:
    """A name, or the names that several seeds have in its place."""
    return names if isinstance(names, str) else ", ".join(dict.fromkeys(names))


def _between(score: Score, interval: Any) -> str:
    return "" if interval is None else f"{score.shown(interval[0])} to {score.shown(interval[1])}"
