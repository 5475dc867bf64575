"""The scores of runs as rows of a table that the page saves: each number by itself, as it was measured."""

from collections.abc import Sequence

from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores, columns, per_class

Row = tuple[str, str, str, float | int | None]
"""Run, class (empty: all of them), score, value."""


def score_rows(runs: Sequence[RunRecord], listed: Scores) -> list[Row]:
    """Return what each of ``runs`` scored on test: as a whole, then each class where it has some."""
    rows: list[Row] = []
    for run in runs:
        rows += [
            (run.name, "", score.key, value)
            for score in columns(listed)
            if (value := score.value_in(run.test)) is not None
        ]
        for entry in run.test.get("per_class", ()):
            rows.append((run.name, str(entry["name"]), "pixels", entry["pixels"]))
            rows += [
                (run.name, str(entry["name"]), score.key, entry[score.key])
                for score in per_class(listed)
                if entry.get(score.key) is not None
            ]
    return rows
