"""The card of weights in words, for a terminal."""

from collections.abc import Sequence

from terramamba.core.display import Shown, Table
from terramamba.scores.score_table import CHANGE_SCORES
from terramamba.weights.registry import Weights


def weights_listed(all_of_them: Sequence[Weights]) -> Shown:
    """List weights: what for, how large, on what terms."""
    rows = tuple(
        (
            weights.card.name,
            weights.card.task,
            f"{weights.file.stat().st_size / 1e6:.2f} MB" if weights.file.is_file() else "missing",
            weights.card.licence,
            weights.card.title,
        )
        for weights in all_of_them
    )
    return Shown((Table("weights", ("name", "for", "size", "licence", "what"), rows),), {})


def card_shown(weights: Weights) -> Shown:
    """Say all that the card of ``weights`` holds."""
    card = weights.card
    sources = (f"{one.name} ({one.amount}; {one.source}): {one.terms}" for one in card.trained_on)
    scores: dict[tuple[str, str], list[str]] = {}
    for one in card.scores:
        scores.setdefault((one.data, one.part), []).append(_score_in_words(one.metric, one.value))
    rows = tuple((*measured, "; ".join(found)) for measured, found in scores.items())
    facts = {
        "name": card.name,
        "what": card.title,
        "use": f"terramamba {card.task} map ... --weights {card.name}",
        "takes": "\n".join(card.takes),
        "classes": ", ".join(card.classes.names),
        "cannot": "\n".join(card.cannot),
        "trained on": "\n".join(sources),
        "terms": card.terms,
        "licence": f"{card.licence} ({weights.licence})",
        "model": f"{card.model.name} ({card.model.preset})",
        "protocol": card.protocol,
        "calibration": card.calibration,
        "made by": f"{card.made_by.command} (terramamba {card.made_by.version})",
        "file": str(weights.file),
        "SHA-256": str(card.model.sha256),
    }
    return Shown((Table("scores", ("data", "part", "scores"), rows),), facts)


def _score_in_words(metric: str, value: float) -> str:
    """A score of the table as everybody shows it; of others the card's own words, which may end in a unit."""
    known = {score.key: score for score in CHANGE_SCORES}.get(metric)
    if known is not None:
        return f"{known.heading} {known.shown(value, sign=True)}"
    words, percent, _ = metric.partition(", %")
    return f"{words} {value:g} %" if percent else f"{metric} {value:g}"
