"""What a terminal shows of a change detector: its scores, and what explains it."""

from collections.abc import Mapping
from typing import Any

from terramamba.core.display import Shown, Table, in_percent, number
from terramamba.scores.score import Score, Scores, of_set, tested

FROM = {
    "validation": ", chosen on validation",
    "given": ", as given",
    "fixed": ", the method's own",
}
"""Where a threshold is from, in words."""


def shown_scores(result: Mapping[str, Any], scores: Scores) -> Shown:
    """Describe what a test found, each score with the interval that drawing pairs anew gives."""
    test = tested(result) or result["validation"]
    rows = tuple(
        (score.label, score.shown(score.value_in(test)), _between(score, test.get(f"{score.key}_interval")))
        for score in of_set(scores)
        if score.value_in(test) is not None
    )
    which = "" if tested(result) else "validation "
    pairs = f"{number(test['pairs'])} {which}{'pair' if test['pairs'] == 1 else 'pairs'}"
    title = f"changed pixels of {pairs}{'' if tested(result) else ' (nothing was tested)'}, %"
    facts = {
        "threshold": f"{number(result['threshold'])}{FROM.get(str(result.get('threshold_from')), '')}",
        "pairs without change": number(test["unchanged_pairs"]),
        "dates swapped": f"F1 changes by {in_percent(test['f1_swap_difference'])} percentage points",
    }
    return Shown((Table(title, ("score", "%", "95 % of draws"), rows),), facts)


def shown_explanation(found: Mapping[str, Any]) -> Shown:
    """Describe which window was explained, and how well each layer tells its marked pixels."""
    rows = tuple(
        (
            layer["layer"],
            str(layer["cell_pixels"]),
            *(_two(layer[f"{kind}_auc"]) for kind in ("activation", "cam")),
        )
        for layer in found["layers"]
    )
    table = Table(
        "how well each layer tells marked from other pixels (1 always, 0.5 as chance, 0 the wrong way round)",
        ("layer", "cell, px", "response", "Grad-CAM"),
        rows,
    )
    window = found["window"]
    percentage = 100 * found["marked_pixels"] / found["usable_pixels"]
    facts = {
        "window": f"rows {window['row']}-{window['row'] + window['height'] - 1},"
        f" columns {window['col']}-{window['col'] + window['width'] - 1}: {found['window_chosen']}",
        "marked": f"{found['marked_pixels']} pixels, {percentage:.2f} %, at threshold {found['threshold']:g}",
        "Grad-CAM explains": found["explained"],
        **({"note": "\n".join(found["notes"])} if found["notes"] else {}),
    }
    return Shown((table,), facts)


def _between(score: Score, interval: Any) -> str:
    return "" if interval is None else f"{score.shown(interval[0])} to {score.shown(interval[1])}"


def _two(value: float) -> str:
    return "" if value != value else f"{value:.2f}"
