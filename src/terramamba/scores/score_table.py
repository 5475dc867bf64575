"""The scores of each job. A new one is its function in ``metrics`` and its record here.

Everybody who shows or writes a score reads it here: the terminal, ``metrics.json`` and the CSV files of a
run, the report, tables of experiments and their tests, and docs/scores.md, which
``python -m terramamba.scores.score_table > docs/scores.md`` renews.
"""

from functools import partial
from operator import attrgetter

from terramamba.scores import metrics
from terramamba.scores.score import Score, Scores

_of_probabilities = partial(Score, better="lower", source="calibration", within="calibration", column=False)

CALIBRATION_SCORES: Scores = (
    _of_probabilities(
        "ece",
        "expected calibration error",
        attrgetter("plain.error"),
        "Mean distance of probabilities from how often they come true, weighted by samples.",
    ),
    _of_probabilities(
        "ece_scaled",
        "expected calibration error at the run's temperature",
        attrgetter("scaled.error"),
        "The same for logits divided by the temperature that validation asks for.",
    ),
    _of_probabilities(
        "nll",
        "negative log-likelihood",
        attrgetter("nll"),
        "Mean negative logarithm of the probability of what is true.",
        unit="nats",
    ),
    _of_probabilities(
        "nll_scaled",
        "negative log-likelihood at the run's temperature",
        attrgetter("nll_scaled"),
        "The same for logits divided by the temperature.",
        unit="nats",
    ),
)

LAND_COVER_SCORES: Scores = (
    Score(
        "oa",
        "overall accuracy",
        metrics.overall_accuracy,
        "Share of the test pixels that are given their class.",
        short="OA",
        ranked=True,
        followed=True,
    ),
    Score(
        "aa",
        "average accuracy",
        metrics.average_accuracy,
        "Mean recall of the classes that are in the test.",
        short="AA",
        ranked=True,
        followed=True,
    ),
    Score("kappa", "kappa", metrics.kappa, "Agreement beyond chance (Cohen).", followed=True),
    Score(
        "recall",
        "worst class",
        metrics.worst_recall,
        "Lowest recall of the classes that are in the test, and which class that is.",
        within="worst_class",
    ),
    Score(
        "precision",
        "precision",
        metrics.class_precision,
        "User's accuracy: share of the pixels given the class that are of it.",
        within="per_class",
        per_class=True,
        column=False,
    ),
    Score(
        "recall",
        "recall",
        metrics.class_recall,
        "Producer's accuracy, the accuracy of the class: share of its pixels that are given it.",
        within="per_class",
        per_class=True,
        column=False,
    ),
    Score(
        "f1",
        "F1",
        metrics.class_f1,
        "Harmonic mean of precision and recall.",
        within="per_class",
        per_class=True,
        column=False,
    ),
    *CALIBRATION_SCORES,
)

CHANGE_SCORES: Scores = (
    Score(
        "f1",
        "F1",
        metrics.change_f1,
        "Harmonic mean of precision and recall of the changed pixels.",
        per_class=True,
        ranked=True,
        interval=True,
        followed=True,
    ),
    Score(
        "iou",
        "IoU",
        metrics.change_iou,
        "Changed pixels that are marked, of all that are changed or marked.",
        per_class=True,
        interval=True,
        followed=True,
    ),
    Score(
        "precision",
        "precision",
        metrics.change_precision,
        "Share of the pixels marked as changed that are.",
        per_class=True,
    ),
    Score(
        "recall",
        "recall",
        metrics.change_recall,
        "Share of the changed pixels that are marked.",
        per_class=True,
    ),
    Score(
        "oa",
        "overall accuracy",
        metrics.overall_accuracy,
        "Share of all pixels, changed or not, that are said to be what they are.",
        short="OA",
    ),
    Score("kappa", "kappa", metrics.kappa, "Agreement beyond chance (Cohen)."),
    Score(
        "f1_dates_swapped",
        "F1 with the dates swapped",
        metrics.change_f1,
        "F1 when the later image is given as the earlier one: what changed stays the same.",
        short="F1, dates swapped",
        source="swapped",
    ),
    Score(
        "iou_dates_swapped",
        "IoU with the dates swapped",
        metrics.change_iou,
        "IoU when the later image is given as the earlier one.",
        source="swapped",
        column=False,
    ),
    Score(
        "false_alarm_rate",
        "pixels marked on pairs without change",
        metrics.false_alarm_rate,
        "Share of the pixels marked on the pairs in which nothing changed.",
        short="false alarms",
        better="lower",
        source="pairs",
    ),
    Score(
        "false_alarm_pair_rate",
        "pairs without change with any pixel marked",
        metrics.false_alarm_pair_rate,
        "Share of the pairs in which nothing changed that have any pixel marked.",
        better="lower",
        source="pairs",
        column=False,
    ),
    *CALIBRATION_SCORES,
)


def page() -> str:
    """Return the page of all scores, in Markdown."""
    sections = [
        "# Scores",
        "Made by `python -m terramamba.scores.score_table > docs/scores.md`. What they are good for, and what"
        " is refused, is said in [evaluation.md](evaluation.md). The key is that of `metrics.json`; in"
        " `results.csv` it stands behind `test_` and `val_`.",
    ]
    for job, scores in (("Land cover", LAND_COVER_SCORES), ("Change", CHANGE_SCORES)):
        head = (("key", "score", "unit", "better", "what it is"), ("---",) * 5)
        lines = [*head, *map(_line, scores)]
        sections += [f"## {job}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(sections) + "\n"


def _line(score: Score) -> tuple[str, ...]:
    where = f"{score.within}." * bool(score.within)
    title = score.title + (f" ({score.short})" if score.short else "")
    return f"`{where}{score.key}`", title, score.unit, score.better, score.meaning


if __name__ == "__main__":
    print(page(), end="")
