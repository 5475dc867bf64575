"""Who is ahead: our models beside the best baseline of each set and split, losses included."""

from collections.abc import Sequence

from terramamba.experiments.contenders import (
    Contender,
    best_baseline,
    compared,
    contenders_of,
    in_words,
    percent,
)
from terramamba.experiments.results import PUBLISHED, Record
from terramamba.experiments.scores import RANKED, SCORES
from terramamba.experiments.tables import Table

Meeting = tuple[str, str, str, Contender, Contender]
"""Set, split, score; one of our models, and the baseline with the highest mean there."""


def summary(records: Sequence[Record]) -> Table | None:
    """A row for each set, split, score and model that is no baseline; None where nothing can be compared."""
    met = list(_meetings(records))
    if not met:
        return None
    words = in_words([compared(ours, best, score) for *_, score, ours, best in met])
    rows = [
        (
            data,
            split,
            SCORES[ours.first["task"]][score],
            ours.label,
            percent(ours.values(f"test_{score}")),
            best.label,
            percent(best.values(f"test_{score}")),
            said,
        )
        for (data, split, score, ours, best), said in zip(met, words, strict=True)
    ]
    columns = ("data", "split", "score", "model", "reaches", "best baseline", "reaches", "beside it")
    return Table("Beside the best baseline", columns, tuple(rows), _counted(met, words))


def _meetings(records: Sequence[Record]) -> Sequence[Meeting]:
    found = []
    for data, split in dict.fromkeys((r["data"], r["split"]) for r in records if r["status"] != PUBLISHED):
        here = contenders_of([r for r in records if (r["data"], r["split"]) == (data, split)])
        models = [one for one in here if one.runs and not one.first["ablation"]]
        for ours in (one for one in models if not one.is_baseline):
            for score in RANKED[ours.first["task"]]:
                best = best_baseline(models, score)
                if best is not None:
                    found.append((data, split, score, ours, best))
    return found


def _counted(met: Sequence[Meeting], words: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each of our models, split and score."""
    groups: dict[tuple[str, str, str], list[tuple[Meeting, str]]] = {}
    for meeting, said in zip(met, words, strict=True):
        _, split, score, ours, _ = meeting
        groups.setdefault((ours.label, split, SCORES[ours.first["task"]][score]), []).append((meeting, said))
    lines = []
    for (model, split, title), group in groups.items():
        above = sum(m[3].mean(f"test_{m[2]}") > m[4].mean(f"test_{m[2]}") for m, _ in group)
        ahead, behind = (sum(said.endswith(f", {end}") for _, said in group) for end in ("ahead", "behind"))
        lines.append(
            f"{model}, {split}: mean {title} above that of every baseline on {above} of {len(group)} sets; "
            f"shown ahead of the best one on {ahead}, shown behind it on {behind}."
        )
    return tuple(lines)
