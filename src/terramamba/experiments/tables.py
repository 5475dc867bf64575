"""Tables of an experiment: mean and deviation over seeds, interval over units, paired test, cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from terramamba.experiments.file import DataSet, Experiment
from terramamba.experiments.plan import PlannedRun, is_done
from terramamba.experiments.statistics import Comparison, compare, holm, interval, verdict
from terramamba.experiments.units import Units, read_units
from terramamba.experiments.work import read_metrics
from terramamba.metrics import summarise

MAIN = {"classify": "oa", "change": "f1"}
"""The score that is compared, and whose interval is given."""
SCORES = {
    "classify": {"oa": "OA", "aa": "AA", "kappa": "kappa", "worst_class.recall": "worst class"},
    "change": {
        "f1": "F1",
        "iou": "IoU",
        "precision": "precision",
        "recall": "recall",
        "kappa": "kappa",
        "false_alarm_rate": "false alarms",
        "f1_dates_swapped": "F1, dates swapped",
    },
}
COST_COLUMNS = ("parameters", "FLOPs", "minutes", "px/s", "peak MiB")


@dataclass(frozen=True)
class Table:
    """A table with what stands above and below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


class Contender:
    """All runs of one model on one set and split, over the seeds; what was not reached is left out."""

    def __init__(self, runs: Sequence[PlannedRun]) -> None:
        self.first, self.planned = runs[0], len(runs)
        self.runs = [run for run in runs if is_done(run)]

    @property
    def label(self) -> str:
        """Name of the model, with what was changed."""
        return self.first.label

    @cached_property
    def metrics(self) -> dict[int, dict[str, Any]]:
        """What each seed's run wrote."""
        return {run.settings.seed: read_metrics(run) for run in self.runs}

    @cached_property
    def units(self) -> dict[int, Units]:
        """Counts by unit of each seed's test."""
        found = {}
        for run in self.runs:
            test = self.metrics[run.settings.seed]["test"]
            found[run.settings.seed] = read_units(run.folder, len(test.get("per_class") or (0, 1)))
        return found

    def values(self, name: str, part: str = "test") -> list[float]:
        """A score (or ``inner.score``), one a seed; not where a run has none."""
        found = []
        for metrics in self.metrics.values():
            value: Any = metrics[part]
            for key in name.split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, int | float):
                found.append(float(value))
        return found

    def mean(self, name: str, part: str = "test") -> float:
        """Mean over seeds; nan without any."""
        values = self.values(name, part)
        return summarise(values)[0] if values else math.nan


def make_tables(experiment: Experiment, runs: Sequence[PlannedRun]) -> list[Table]:
    """For each set and split: the models, then each model's ablations; then the published scores."""
    tables = []
    for data in experiment.data:
        for split in data.splits:
            here = _contenders([run for run in runs if (run.data, run.split) == (data.name, split)])
            models = [one for one in here if not one.first.ablation]
            if any(one.runs for one in models):
                tables.append(_main_table(data, split, models))
            for model in models:
                varied = [one for one in here if one.first.model == model.label and one.first.ablation]
                if model.runs and any(one.runs for one in varied):
                    tables.append(_ablation_table(data, split, model, varied))
            if data.published and any(one.runs for one in models):
                tables.append(_published_table(data, split, here))
    return tables


def _contenders(runs: Sequence[PlannedRun]) -> list[Contender]:
    groups: dict[str, list[PlannedRun]] = {}
    for run in runs:
        groups.setdefault(run.label, []).append(run)
    return [Contender(group) for group in groups.values()]


def _main_table(data: DataSet, split: str, models: Sequence[Contender]) -> Table:
    score = MAIN[data.task]
    baselines = [one for one in models if one.runs and one.first.baseline]
    best = max(baselines, key=lambda one: one.mean(score), default=None)
    reached = [one for one in models if one.runs]
    ranked = sorted(reached, key=lambda one: -one.mean(score)) + [one for one in models if not one.runs]
    beside = f"beside {best.label}" if best else "beside a baseline"
    return _table(f"{data.name}, {split}", data, ranked, best, beside)


def _ablation_table(data: DataSet, split: str, full: Contender, varied: Sequence[Contender]) -> Table:
    table = _table(
        f"{data.name}, {split}: {full.label} varied", data, [full, *varied], full, f"beside {full.label}"
    )
    best = max(
        (one for one in [full, *varied] if one.runs), key=lambda one: one.mean(MAIN[data.task], "validation")
    )
    chosen = f"Best on validation, which alone may choose: {best.label}."
    return Table(table.title, table.columns, table.rows, (*table.notes, chosen))


def _table(
    title: str, data: DataSet, contenders: Sequence[Contender], other: Contender | None, beside: str
) -> Table:
    score, scores = MAIN[data.task], SCORES[data.task]
    words = _comparisons(contenders, other, score)
    columns = ("model", "seeds", scores[score], "95 % interval", *list(scores.values())[1:])
    columns += (f"validation {scores[score]}", beside, *COST_COLUMNS)
    rows = []
    for one in contenders:
        if not one.runs:
            rows.append((one.label, f"0 of {one.planned}", *[""] * (len(columns) - 2)))
            continue
        bounds = interval(list(one.units.values()), score)
        rows.append(
            (
                one.label,
                f"{len(one.runs)} of {one.planned}",
                percent(one.values(score)),
                f"[{100 * bounds[0]:.2f}, {100 * bounds[1]:.2f}]" if bounds else "",
                *(percent(one.values(name)) for name in list(scores)[1:]),
                percent(one.values(score, "validation")),
                words.get(one.label, ""),
                *_costs(one),
            )
        )
    return Table(title, columns, tuple(rows), _notes(contenders))


def _comparisons(contenders: Sequence[Contender], other: Contender | None, score: str) -> dict[str, str]:
    """What may be said of each contender beside ``other``, p corrected for all of them."""
    if other is None:
        return {}
    found: dict[str, Comparison] = {}
    words = {other.label: "(this one)"}
    for one in contenders:
        shared = [seed for seed in one.units if seed in other.units]
        if one is other or not shared:
            continue
        compared = compare([one.units[s] for s in shared], [other.units[s] for s in shared], score)
        if compared is None:
            words[one.label] = "other test pixels, not paired"
        else:
            found[one.label] = compared
    corrected = holm([comparison.p for comparison in found.values()])
    for (label, comparison), p in zip(found.items(), corrected, strict=True):
        said = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
        words[label] = f"{100 * comparison.difference:+.2f}, {said}, {verdict(comparison, p)}"
    return words


def _costs(one: Contender) -> tuple[str, ...]:
    measured = [metrics["measured"] for metrics in one.metrics.values()]

    def mean(values: Sequence[Any]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    parameters, flops, speed, peak = (
        mean([record[name] for record in measured])
        for name in ("parameters", "flops", "pixels_per_second", "peak_mib")
    )
    minutes = mean([metrics.get("minutes") for metrics in one.metrics.values()])
    return (
        "" if parameters is None else f"{parameters:,.0f}",
        "" if flops is None else _flops(flops),
        "" if minutes is None else _minutes(minutes),
        "" if speed is None else f"{speed:,.0f}",
        "" if peak is None else f"{peak:,.0f}",
    )


def _flops(count: float) -> str:
    return f"{count / 1e6:,.1f} M" if count < 1e9 else f"{count / 1e9:,.1f} G"


def _minutes(minutes: float) -> str:
    if minutes < 0.01:
        return "< 0.01"
    return f"{minutes:.2f}" if minutes < 1 else f"{minutes:.1f}"


def _notes(contenders: Sequence[Contender]) -> tuple[str, ...]:
    metrics = [record for one in contenders for record in one.metrics.values()]
    protocols = ", ".join(dict.fromkeys(str(record["protocol"]) for record in metrics))
    versions = ", ".join(dict.fromkeys(str(record["measured"]["version"]) for record in metrics))
    where = dict.fromkeys(
        f"{of['device']}, threads: {of['threads']}" for of in (r["measured"] for r in metrics)
    )
    units = sorted({len(units.names) for one in contenders for units in one.units.values()})
    amount = f"{units[0]}" if len(units) == 1 else f"{units[0]} to {units[-1]}"
    leaks = dict.fromkeys(str(r["leakage_in_words"]) for r in metrics if r.get("leakage_in_words"))
    lines = [f"Protocol {protocols}; terramamba {versions}; {' and '.join(where)}; {amount} test units."]
    lines += [f"First seed: {next(iter(leaks))}"] if leaks else []
    return tuple(lines)


def _published_table(data: DataSet, split: str, contenders: Sequence[Contender]) -> Table:
    """Published scores, each beside ours where the same model (or variation) was run, with both protocols."""
    names = list(dict.fromkeys(name for one in data.published for name in one.scores))
    reached = [one for one in contenders if one.runs]
    ours = {one.first.settings.model: one for one in reached if not one.first.ablation}
    ours |= {one.label: one for one in reached}
    rows = []
    for one in data.published:
        own = ours.get(one.model)
        rows.append(
            (one.model, "published", *(_plain(one.scores.get(n)) for n in names), one.protocol, one.source)
        )
        if own is not None:
            record = next(iter(own.metrics.values()))
            preset = f"preset {record['preset']}, {len(own.runs)} seeds"
            rows.append(
                (one.model, "here", *(percent(own.values(n)) for n in names), str(record["protocol"]), preset)
            )
    titles = [SCORES[data.task].get(name, name) for name in names]
    note = "Compare a pair of rows only where both name the same protocol."
    columns = ("model", "whose", *titles, "protocol", "source")
    return Table(f"{data.name}, {split}: published", columns, tuple(rows), (note,))


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def percent(values: Sequence[float]) -> str:
    """Mean and deviation (n - 1) of shares, in per cent; empty without a value."""
    if not values:
        return ""
    mean, deviation = summarise(values)
    return f"{100 * mean:.2f}" + ("" if math.isnan(deviation) else f" ± {100 * deviation:.2f}")
