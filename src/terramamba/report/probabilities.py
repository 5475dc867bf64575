"""Whether a run's probabilities can be believed, and what its threshold is worth: charts of its files."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.report.charts import curves
from terramamba.report.words import percent
from terramamba.runs.record import RunRecord

Rows = Sequence[Mapping[str, str]]

RELIABILITY_COLUMNS = ("part", "temperature", "low", "high", "samples", "frequency")


def probability_cards(run: RunRecord, came_true: str) -> Iterator[str]:
    """Cards of the curves that the run has: reliability on test, scores over thresholds.

    ``came_true``: what a probability is the probability of.

    Raises:
        InputError: a file is not as training wrote it.
    """
    for name, columns, card in (
        ("reliability.csv", RELIABILITY_COLUMNS, partial(_reliability, came_true)),
        ("thresholds.csv", ("part", "threshold", "precision", "recall", "f1", "chosen"), _thresholds),
    ):
        rows = _read(run.folder / name, columns)
        try:
            found = card(run, [row for row in rows if row["part"] in ("validation", "test")])
        except ValueError as error:
            raise InputError(
                f"{run.folder / name}: is not as training wrote it; train the run anew"
            ) from error
        if found:
            yield f'<div class="card">{found}</div>'


def _reliability(came_true: str, run: RunRecord, rows: Rows) -> str:
    test = [row for row in rows if row["part"] == "test"]
    plain, scaled = test[: len(test) // 2], test[len(test) // 2 :]
    if not plain:
        return ""
    middle = [(float(row["low"]) + float(row["high"])) / 2 for row in plain]
    temperature = float(scaled[0]["temperature"])
    chart = curves(
        f"How often {came_true}, by the probability that the model gave (test)",
        middle,
        {
            "as the model is": _values(plain, "frequency"),
            f"at temperature {temperature:.3g}": _values(scaled, "frequency"),
            "if they held": middle,
        },
        x_name="probability",
    )
    found = run.test.get("calibration") or {}
    said = (
        f"Off by {percent(found.get('ece'))} on average, by {percent(found.get('ece_scaled'))} at"
        f" temperature {temperature:.3g}, which was fitted on validation. Maps use it only with --calibrated."
    )
    counts = "".join(
        f"<tr><td>{float(row['low']):.2f} – {float(row['high']):.2f}</td>"
        + "".join(f'<td class="number">{int(one["samples"]):,}</td>' for one in (row, other))
        + "</tr>"
        for row, other in zip(plain, scaled, strict=True)
    )
    return (
        f"{chart}<p>{escape(said)}</p><details><summary>Pixels of each step</summary><table><thead><tr>"
        f'<th scope="col">probability</th><th scope="col">as the model is</th><th scope="col">at temperature'
        f" {temperature:.3g}</th></tr></thead><tbody>{counts}</tbody></table></details>"
    )


def _thresholds(run: RunRecord, rows: Rows) -> str:
    validation, test = ([row for row in rows if row["part"] == part] for part in ("validation", "test"))
    if not validation or len(validation) != len(test):
        return ""
    chosen = [float(row["threshold"]) for row in validation if row["chosen"] == "1"]
    where = "chosen on validation" if run.metrics.get("threshold_from") == "validation" else "that of the run"
    return curves(
        "Scores over thresholds; those on test are only shown",
        [float(row["threshold"]) for row in validation],
        {
            "F1, validation": _values(validation, "f1"),
            "precision, validation": _values(validation, "precision"),
            "recall, validation": _values(validation, "recall"),
            "F1, test": _values(test, "f1"),
        },
        mark=chosen[0] if chosen else None,
        x_name="threshold",
        kept=where,
    )


def _values(rows: Rows, name: str) -> list[float | None]:
    return [float(row[name]) if row[name] else None for row in rows]


def _read(path: Path, columns: Sequence[str]) -> Rows:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        if not set(columns) <= set(table.fieldnames or ()):
            raise InputError(f"{path}: is not as training wrote it; train the run anew")
        return list(table)
