"""What a terminal shows of a classifier: its scores, and what explains it."""

from collections.abc import Mapping
from typing import Any

from terramamba.core.display import Shown, Table, in_percent, number
from terramamba.scores.score import Score, Scores, by_name, of_set, per_class

LARGEST = 8
"""Groups of bands are shown whose loss is the largest, so many of them."""

ALIKE = 0.999
"""From this fraction of all pixels on, attention is called alike for all: 49.0 of 49, rounded."""


def shown_scores(result: Mapping[str, Any], scores: Scores) -> Shown:
    """Describe what a test found, class by class and in all."""
    test, of_classes = result["test"], per_class(scores)
    rows = tuple(
        (entry["name"], *(score.shown(entry[score.key]) for score in of_classes), number(entry["pixels"]))
        for entry in test["per_class"]
    )
    columns = ("class", *(score.heading for score in of_classes), "pixels")
    facts = {score.title: _fact(score, test) for score in of_set(scores) if score.value_in(test) is not None}
    own = result.get("regularise")
    if own is not None:
        facts["regularised"] = _smoothing_in_words(own, scores)
    if test["absent"]:
        facts["not in the test"] = ", ".join(test["absent"])
    return Shown((Table("test pixels, %", columns, rows),), facts)


def _smoothing_in_words(own: Mapping[str, Any], scores: Scores) -> str:
    """How probabilities were smoothed, as training found it, by one seed or several, or as it was scored."""
    if own["bandwidth"] is None:
        return "off, as validation chose"
    words = f"{own['radius']} pixels far"
    if "test_without" not in own:
        return words
    overall = by_name(scores)["oa"]
    return f"{words}; without it {overall.title} {overall.shown(own['test_without'], sign=True)}"


def shown_explanation(found: Mapping[str, Any]) -> Shown:
    """Describe which bands are needed, and what attention asks."""
    pixels, attention, importance = found["pixels"], found["attention"], found["importance"]
    count, which = str(pixels["count"]), f"{pixels['count']} {pixels['which']}"
    facts = {"pixels": which.replace(f"{count} {count}", count)}
    if importance is None:
        facts["band importance"] = "not measured: it needs labelled pixels (--labels)"
    else:
        overall, average = in_percent(importance["oa"]), in_percent(importance["aa"])
        facts["as they are"] = f"overall accuracy {overall} %, average {average} %"
    if attention is None:
        facts["attention"] = f"{found['model']} has none"
    else:
        facts["attention"] = "\n".join(map(_attention_in_words, attention))
    for answer in found["named_pixels"]:
        row, col = answer["pixel"]
        likely = in_percent(answer["probability"][answer["class"]])
        facts[f"row {row}, column {col}"] = f"{answer['class']}, probability {likely} %"
    if found["notes"]:
        facts["note"] = "\n".join(found["notes"])
    return Shown(() if importance is None else (_losses(importance["groups"]),), facts)


def _fact(score: Score, test: Mapping[str, Any]) -> str:
    """A score, behind the name of the class that has it where it is one class's."""
    shown = score.shown(score.value_in(test), sign=True)
    whose = test[score.within].get("name") if score.within else None
    return shown if whose is None else f"{_joined(whose)}: {shown}"


def _joined(names: Any) -> str:
    """A name, or the names that several seeds have in its place."""
    return names if isinstance(names, str) else ", ".join(dict.fromkeys(names))


def _losses(groups: list[Mapping[str, Any]]) -> Table:
    """What shuffling costs, the largest losses first."""
    largest = sorted(groups, key=lambda group: -group["oa_drop"])[:LARGEST]
    return Table(
        "lost when shuffled among pixels, percentage points (the largest)",
        ("bands", "overall accuracy", "average accuracy"),
        tuple(
            (group["name"], *(_with_deviation(group, score) for score in ("oa", "aa"))) for group in largest
        ),
    )


def _with_deviation(group: Mapping[str, Any], score: str) -> str:
    deviation = group[f"{score}_drop_std"]
    return in_percent(group[f"{score}_drop"]) + (
        "" if deviation != deviation else f" ± {in_percent(deviation)}"
    )


def _attention_in_words(entry: Mapping[str, Any]) -> str:
    effective, tokens = entry["tokens_asked_by_centre"], entry["tokens"]
    alike = ": all alike, so it is a plain mean" if effective > ALIKE * tokens else ""
    return f"{entry['map']}: the centre asks {effective:.1f} of {tokens} pixels in effect{alike}"
