"""What an experiment found, as two files: a row for each run, and the counts of each run's test by unit.

``results.csv`` has one row for each run (status done, failed or missing) with what was varied, every score on
test and validation as a share, and what it cost; and one for each published score beside it (status
published). ``units.csv`` has the counts behind the test scores, by the number of the run. Tables and pages
are made of these two and need no run folder.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.files import write_table
from terramamba.core.run_files import UNITS
from terramamba.core.tables import read_rows
from terramamba.experiments.plan import PlannedRun, failure_of, is_done, read_cost
from terramamba.experiments.values import Experiment
from terramamba.runs.record import read_metrics
from terramamba.scores.sampling_units import Units, counts_by_unit
from terramamba.scores.score import SCALE, columns

RESULTS = "results.csv"
AGAIN = "let `terramamba experiment` write it again"

FIRST = (
    "experiment",
    "run",
    "data",
    "task",
    "split",
    "model",
    "preset",
    "baseline",
    "ablation",
    "seed",
    "status",
    "reason",
    "protocol",
    "source",
    "split_id",
    "version",
    "commit",
    "changed",
)
COSTS = (
    "parameters",
    "flops",
    "flops_input",
    "minutes",
    "pixels_per_second",
    "peak_mib",
    "device",
    "threads",
)
LAST = ("leakage", "folder")
COUNTED = 5
"""Columns of counts behind the number of a run: unit, class, truth, predicted, hits."""
MOST_CLASSES = 65_536
_COUNT = re.compile(r"[0-9]{1,15}")
DONE, FAILED, MISSING, PUBLISHED = "done", "failed", "missing", "published"
Row = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """A row of ``results.csv`` in text, and its counts by unit where the run is done."""

    row: Mapping[str, str]
    units: Units | None

    def __getitem__(self, name: str) -> str:
        return self.row.get(name, "")

    def number(self, name: str) -> float | None:
        """Return a column as a number; None where it is empty or not there.

        Raises:
            InputError: it holds something else.
        """
        if not self[name]:
            return None
        try:
            value = float(self[name])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"{RESULTS}: {name} of run {self['run']} is {self[name]!r}, no number; {AGAIN}")
        return value

    @property
    def label(self) -> str:
        """Name of the model, with what was changed."""
        return f"{self['model']}, {self['ablation']}" if self["ablation"] else self["model"]


def rows_of(experiment: Experiment, runs: Sequence[PlannedRun], out: Path) -> list[Row]:
    """Return a row a run in the order of the plan, then the published scores; all with the same keys."""
    rows = [{"run": number, **_row(run, out)} for number, run in enumerate(runs)]
    rows += _published(experiment)
    scores = dict.fromkeys(key for row in rows for key in row if key.startswith(("test_", "val_")))
    keys = [*FIRST, *sorted(scores, key=lambda key: key.startswith("val_")), *COSTS, *LAST]
    return [{key: row.get(key) for key in keys} | {"experiment": experiment.name} for row in rows]


def write_results(out: Path, rows: Sequence[Row]) -> tuple[Path, Path]:
    """Write ``results.csv`` and ``units.csv``, and return their paths."""
    write_table(
        out / RESULTS, list(rows[0]), [["" if v is None else v for v in row.values()] for row in rows]
    )
    counts = [
        [row["run"], *line]
        for row in rows
        if row["status"] == DONE
        for line in read_rows(out / row["folder"] / UNITS, "train the run anew")[1:]
    ]
    write_table(out / UNITS, ["run", "unit", "class", "truth", "predicted", "hits"], counts)
    return out / RESULTS, out / UNITS


def read_results(out: Path) -> list[Record]:
    """Read the rows that ``write_results`` wrote, with their counts.

    Raises:
        InputError: a file is not there, is none of an experiment, or the two do not belong together.
    """
    for name in (RESULTS, UNITS):
        if not (out / name).is_file():
            raise InputError(f"{out / name}: not there; `terramamba experiment FILE --out {out}` writes it")
    header, *found = read_rows(out / RESULTS, AGAIN) or [[]]
    rows = [dict(zip(header, line, strict=False)) for line in found]
    shaped = all(len(line) == len(header) for line in found)
    if not rows or not shaped or not {*FIRST, *COSTS} <= set(header):
        raise InputError(f"{out / RESULTS}: not as `terramamba experiment` writes it; {AGAIN}")
    lines: dict[str, list[list[str]]] = {}
    for run, *line in read_rows(out / UNITS, AGAIN)[1:]:
        if len(line) != COUNTED or not all(map(_COUNT.fullmatch, line[1:])) or int(line[1]) > MOST_CLASSES:
            raise InputError(f"{out / UNITS}: run {run!r} has {','.join(line)!r}, no counts; {AGAIN}")
        lines.setdefault(run, []).append(line)
    classes: dict[str, int] = {}
    for row in rows:
        most = max((int(line[1]) for line in lines.get(row["run"], ())), default=1)
        classes[row["data"]] = max(classes.get(row["data"], 2), most + 1)
    records = []
    for row in rows:
        done = row["status"] == DONE
        if done and row["run"] not in lines:
            raise InputError(f"{out / UNITS}: no counts of run {row['run']} in {RESULTS}; write both again")
        records.append(Record(row, counts_by_unit(lines[row["run"]], classes[row["data"]]) if done else None))
    return records


def _row(run: PlannedRun, out: Path) -> Row:
    reason = failure_of(run)
    status = DONE if is_done(run) else FAILED if reason else MISSING
    row: Row = {
        "data": run.data,
        "task": run.task.name,
        "split": run.split,
        "model": run.model,
        "preset": run.settings.preset,
        "baseline": "yes" if run.baseline else "no",
        "ablation": run.ablation,
        "seed": run.settings.seed,
        "status": status,
        "reason": reason if status == FAILED else None,
        "folder": run.folder.relative_to(out).as_posix(),
    }
    if status != DONE:
        return row
    metrics = read_metrics(run.folder)
    row |= {
        "preset": metrics.preset,
        "protocol": metrics.protocol,
        "split_id": metrics.split_id,
        "minutes": metrics.minutes,
        "commit": metrics.code.get("commit"),
        "changed": "yes" if metrics.code.get("changed") else None,
        "leakage": metrics.leakage_in_words,
        **asdict(read_cost(run)),
        **flat(metrics.test, "test"),
        **flat(metrics.validation, "val"),
    }
    return row if metrics.leakage is None else row | flat(asdict(metrics.leakage), "test_leakage")


def _published(experiment: Experiment) -> list[Row]:
    return [
        {
            "data": data.name,
            "task": data.task.name,
            "model": one.model,
            "status": PUBLISHED,
            "protocol": one.protocol,
            "source": one.source,
            **{
                score.test_column: one.scores[score.name] / SCALE[score.unit]
                for score in columns(data.task.scores)
                if score.name in one.scores
            },
        }
        for data in experiment.data
        for one in data.published
    ]


def flat(scores: Mapping[str, Any], before: str) -> Row:
    """Put single values under ``before_name``, inner tables likewise, intervals as low and high.

    Longer lists (classes, matrices, curves) stay in the run folder.
    """
    found: Row = {}
    for name, value in scores.items():
        key = f"{before}_{name}"
        if isinstance(value, Mapping):
            found |= flat(value, key)
        elif name.endswith("_interval") and isinstance(value, list) and len(value) == 2:
            found |= {f"{key}_low": value[0], f"{key}_high": value[1]}
        elif not isinstance(value, list):
            found[key] = value
    return found
