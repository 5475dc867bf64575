"""One row for each run of an experiment: what was varied, every score, what it cost, or why it failed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba.experiments.plan import PlannedRun, failure_of, is_done
from terramamba.experiments.work import read_metrics
from terramamba.files import write_table

RESULTS = "results.csv"

FIRST = (
    "data",
    "task",
    "split",
    "model",
    "preset",
    "ablation",
    "seed",
    "status",
    "reason",
    "protocol",
    "split_id",
    "version",
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
Row = dict[str, Any]


def rows_of(runs: Sequence[PlannedRun], out: Path) -> list[Row]:
    """A row a run in the order of the plan, all with the same keys; what a run does not have is empty."""
    rows = [_row(run, out) for run in runs]
    scores = dict.fromkeys(key for row in rows for key in row if key.startswith(("test_", "val_")))
    keys = [*FIRST, *sorted(scores, key=lambda key: key.startswith("val_")), *COSTS, "folder"]
    return [{key: row.get(key) for key in keys} for row in rows]


def write_results(out: Path, rows: Sequence[Row]) -> Path:
    """Write ``results.csv`` and return its path."""
    path = out / RESULTS
    write_table(path, list(rows[0]), [["" if v is None else v for v in row.values()] for row in rows])
    return path


def _row(run: PlannedRun, out: Path) -> Row:
    reason = failure_of(run)
    status = "done" if is_done(run) else "failed" if reason else "missing"
    row: Row = {
        "data": run.data,
        "task": run.task,
        "split": run.split,
        "model": run.model,
        "preset": run.settings.preset,
        "ablation": run.ablation,
        "seed": run.settings.seed,
        "status": status,
        "reason": reason if status == "failed" else None,
        "folder": run.folder.relative_to(out).as_posix(),
    }
    if status != "done":
        return row
    metrics = read_metrics(run)
    row |= {key: metrics.get(key) for key in ("preset", "protocol", "split_id", "minutes")}
    row |= metrics["measured"]
    for part, short in (("test", "test"), ("validation", "val")):
        row |= flat(metrics[part], short)
    return row | flat(metrics.get("leakage") or {}, "test_leakage")


def flat(scores: Mapping[str, Any], before: str) -> Row:
    """Single values under ``before_name``, inner tables likewise, intervals as low and high.

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
