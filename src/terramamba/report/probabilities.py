"""Whether a run's probabilities can be believed, and what its threshold is worth: charts of its files."""

from collections.abc import Iterator
from dataclasses import fields
from html import escape

from terramamba.report.charts import curves
from terramamba.report.summary import ERROR, SCALED_ERROR, reached
from terramamba.runs.record import RunRecord, ThresholdScores
from terramamba.scores.score import Scores, per_class


def probability_cards(run: RunRecord, came_true: str, scores: Scores) -> Iterator[str]:
    """Yield cards of the curves that the run has: reliability on test, scores over thresholds.

    ``came_true``: what a probability is the probability of; ``scores``: those of the job, the first decides.
    """
    for found in (_reliability(run, came_true), _thresholds(run, scores)):
        if found:
            yield f'<div class="card">{found}</div>'


def _reliability(run: RunRecord, came_true: str) -> str:
    test = [row for row in run.reliability if row.part == "test"]
    plain, scaled = test[: len(test) // 2], test[len(test) // 2 :]
    if not plain:
        return ""
    middle = [(row.low + row.high) / 2 for row in plain]
    temperature = scaled[0].temperature
    chart = curves(
        f"How often {came_true}, by the probability that the model gave (test)",
        middle,
        {
            "as the model is": [row.frequency for row in plain],
            f"at temperature {temperature:.3g}": [row.frequency for row in scaled],
            "if they held": middle,
        },
        x_name="probability",
    )
    said = (
        f"Off by {reached(ERROR, run.test)} on average, by {reached(SCALED_ERROR, run.test)} at"
        f" temperature {temperature:.3g}, which was fitted on validation."
    )
    asked = "Maps use it only with <code>--calibrated</code>."
    counts = "".join(
        f"<tr><td>{row.low:.2f} – {row.high:.2f}</td>"
        + "".join(f'<td class="number">{one.samples:,}</td>' for one in (row, other))
        + "</tr>"
        for row, other in zip(plain, scaled, strict=True)
    )
    return (
        f"{chart}<p>{escape(said)} {asked}</p><details><summary>Pixels of each step</summary>"
        f'<table><thead><tr><th scope="col">probability</th><th scope="col">as the model is</th>'
        f'<th scope="col">at temperature {temperature:.3g}</th></tr></thead><tbody>{counts}</tbody></table>'
        "</details>"
    )


def _thresholds(run: RunRecord, scores: Scores) -> str:
    validation, test = (
        [row for row in run.thresholds if row.part == subset] for subset in ("validation", "test")
    )
    if not validation or len(validation) != len(test):
        return ""
    chosen = [row.threshold for row in validation if row.chosen]
    where = "chosen on validation" if run.metrics.threshold_from == "validation" else "that of the run"
    read = {entry.name for entry in fields(ThresholdScores)}
    drawn = [("validation", validation, score) for score in per_class(scores) if score.key in read]
    drawn.append(("test", test, scores[0]))
    return curves(
        "Scores over thresholds; those on test are only shown",
        [row.threshold for row in validation],
        {
            f"{score.title}, {subset}": [getattr(row, score.key) for row in rows]
            for subset, rows, score in drawn
        },
        mark=chosen[0] if chosen else None,
        x_name="threshold",
        kept=where,
    )
