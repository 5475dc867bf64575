"""Tables of an experiment: mean and deviation over seeds, interval over units, paired test, cost."""

from collections.abc import Sequence

from terramamba.core.display import Table
from terramamba.core.errors import InputError
from terramamba.experiments.results import AGAIN, FAILED, PUBLISHED, RESULTS, Record
from terramamba.experiments.statistics import (
    RunGroup,
    best_baseline,
    compared,
    in_words,
    interval,
    mean_shown,
    run_groups_of,
)
from terramamba.experiments.values import Tasks
from terramamba.scores.score import Score, Scores, columns

COST_COLUMNS = ("parameters", "FLOPs", "minutes", "px/s", "peak MiB")


def make_tables(records: Sequence[Record], tasks: Tasks) -> list[Table]:
    """Make, for each set and split, the tables of the models, of their variations, of published scores.

    At the end the runs that failed, if any.
    """
    tables = []
    for data, split in dict.fromkeys((r["data"], r["split"]) for r in records if r["status"] != PUBLISHED):
        of_data = [record for record in records if record["data"] == data]
        here = run_groups_of([record for record in of_data if record["split"] == split])
        models = [one for one in here if not one.first["ablation"]]
        title, scores = f"{data}, {split}", columns(_scores_of(of_data[0], tasks))
        if any(one.runs for one in models):
            tables.append(_main_table(title, models, scores))
        for model in models:
            varied = [one for one in here if one.first["model"] == model.label and one.first["ablation"]]
            if model.runs and any(one.runs for one in varied):
                tables.append(_ablation_table(title, model, varied, scores))
        published = [record for record in of_data if record["status"] == PUBLISHED]
        if published and any(one.runs for one in models):
            tables.append(_published_table(title, published, here, scores))
    failed = [record for record in records if record["status"] == FAILED]
    if failed:
        rows = tuple((r["data"], r["split"], r.label, r["seed"], r["reason"]) for r in failed)
        tables.append(Table("Runs that failed", ("data", "split", "model", "seed", "reason"), rows))
    return tables


def _main_table(title: str, models: Sequence[RunGroup], scores: Scores) -> Table:
    main = scores[0]
    best = best_baseline(models, main)
    reached = sorted(
        (one for one in models if one.runs), key=lambda one: -main.goodness(one.mean(main.test_column))
    )
    ranked = [*reached, *(one for one in models if not one.runs)]
    return _table(title, ranked, scores, best, f"beside {best.label}" if best else "beside a baseline")


def _ablation_table(title: str, full: RunGroup, varied: Sequence[RunGroup], scores: Scores) -> Table:
    table = _table(f"{title}: {full.label} varied", [full, *varied], scores, full, f"beside {full.label}")
    main = scores[0]
    best = max(
        (one for one in [full, *varied] if one.runs),
        key=lambda one: main.goodness(one.mean(main.validation_column)),
    )
    chosen = f"Best on validation, which alone may choose: {best.label}."
    return Table(table.title, table.columns, table.rows, (*table.notes, chosen))


def _table(
    title: str, run_groups: Sequence[RunGroup], scores: Scores, other: RunGroup | None, beside: str
) -> Table:
    main, *more = scores
    words = _beside(run_groups, other, main)
    head = ("model", "seeds", main.heading, "95 % interval", *(score.heading for score in more))
    head += (f"validation {main.heading}", beside, *COST_COLUMNS)
    rows = []
    for one in run_groups:
        seeds = f"{len(one.runs)} of {one.planned}"
        if not one.runs:
            rows.append((one.label, seeds, *[""] * (len(head) - 2)))
            continue
        bounds = interval(list(one.units.values()), main)
        rows.append(
            (
                one.label,
                seeds,
                mean_shown(main, one.values(main.test_column)),
                f"[{', '.join(map(main.shown, bounds))}]" if bounds else "",
                *(mean_shown(score, one.values(score.test_column)) for score in more),
                mean_shown(main, one.values(main.validation_column)),
                words.get(one.label, ""),
                *_costs(one),
            )
        )
    return Table(title, head, tuple(rows), _notes(run_groups))


def _beside(run_groups: Sequence[RunGroup], other: RunGroup | None, score: Score) -> dict[str, str]:
    """What may be said of each run group beside ``other``, by label."""
    if other is None:
        return {}
    others = [one for one in run_groups if one is not other and set(one.units) & set(other.units)]
    said = in_words([compared(one, other, score) for one in others])
    return dict(zip((one.label for one in others), said, strict=True)) | {other.label: "(this one)"}


def _costs(one: RunGroup) -> tuple[str, ...]:
    def mean(column: str) -> float | None:
        return one.mean(column) if one.values(column) else None

    flops, minutes = mean("flops"), mean("minutes")
    return (
        _whole(mean("parameters")),
        "" if flops is None else _flops(flops),
        "" if minutes is None else _minutes(minutes),
        _whole(mean("pixels_per_second")),
        _whole(mean("peak_mib")),
    )


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _flops(count: float) -> str:
    return f"{count / 1e6:,.1f} M" if count < 1e9 else f"{count / 1e9:,.1f} G"


def _minutes(minutes: float) -> str:
    if minutes < 0.01:
        return "< 0.01"
    return f"{minutes:.2f}" if minutes < 1 else f"{minutes:.1f}"


def _notes(run_groups: Sequence[RunGroup]) -> tuple[str, ...]:
    def named(column: str) -> str:
        return ", ".join(dict.fromkeys(word for one in run_groups for word in one.words(column)))

    versions = dict.fromkeys(_version(r) for one in run_groups for r in one.runs)
    where = dict.fromkeys(f"{r['device']}, threads: {r['threads']}" for one in run_groups for r in one.runs)
    units = sorted({len(units.names) for one in run_groups for units in one.units.values()})
    amount = f"{units[0]}" if len(units) == 1 else f"{units[0]} to {units[-1]}"
    leaks = [word for one in run_groups for word in one.words("leakage")]
    lines = [
        f"Protocol {named('protocol')}; terramamba {', '.join(versions)}; {' and '.join(where)}; "
        f"{amount} test units."
    ]
    return (*lines, *([f"First seed: {leaks[0]}"] if leaks else []))


def _version(record: Record) -> str:
    commit = f" ({record['commit'][:12]}{', changed since' if record['changed'] else ''})"
    return record["version"] + (commit if record["commit"] else "")


def _published_table(
    title: str, published: Sequence[Record], run_groups: Sequence[RunGroup], scores: Scores
) -> Table:
    """Published scores, each beside ours where the same model (or variation) was run, with both protocols."""
    known = [score for score in scores if any(record[score.test_column] for record in published)]
    ours = {one.label: one for one in run_groups if one.runs}
    rows = []
    for one in published:
        said = (score.shown(one.number(score.test_column)) for score in known)
        rows.append((one["model"], "published", *said, one["protocol"], one["source"]))
        own = ours.get(one["model"])
        if own is not None:
            how = f"preset {own.runs[0]['preset']}, {len(own.runs)} seeds"
            found = (mean_shown(score, own.values(score.test_column)) for score in known)
            rows.append((one["model"], "here", *found, ", ".join(own.words("protocol")), how))
    head = ("model", "whose", *(score.heading for score in known), "protocol", "source")
    note = "Compare a pair of rows only where both name the same protocol."
    return Table(f"{title}: published", head, tuple(rows), (note,))


BaselineComparison = tuple[str, str, Score, RunGroup, RunGroup]
"""Set, split, score; one of our models, and the baseline with the highest mean there."""


def summary(records: Sequence[Record], tasks: Tasks) -> Table | None:
    """Make a row for each set, split, score and model but baselines; None where nothing can be compared."""
    comparisons = _baseline_comparisons(records, tasks)
    if not comparisons:
        return None
    words = in_words([compared(ours, best, score) for *_, score, ours, best in comparisons])
    rows = [
        (
            data,
            split,
            score.heading,
            ours.label,
            mean_shown(score, ours.values(score.test_column)),
            best.label,
            mean_shown(score, best.values(score.test_column)),
            said,
        )
        for (data, split, score, ours, best), said in zip(comparisons, words, strict=True)
    ]
    head = ("data", "split", "score", "model", "reaches", "best baseline", "reaches", "beside it")
    return Table("Beside the best baseline", head, tuple(rows), _counted(comparisons, words))


def _scores_of(record: Record, tasks: Tasks) -> Scores:
    """The scores of the task of ``record``; raises ``InputError`` where there is none."""
    if record["task"] not in tasks:
        known = " or ".join(tasks)
        raise InputError(
            f"{RESULTS}: task of run {record['run']} is {record['task']!r}, not {known}; {AGAIN}"
        )
    return tasks[record["task"]].scores


def _baseline_comparisons(records: Sequence[Record], tasks: Tasks) -> Sequence[BaselineComparison]:
    found = []
    for data, split in dict.fromkeys((r["data"], r["split"]) for r in records if r["status"] != PUBLISHED):
        here = run_groups_of([r for r in records if (r["data"], r["split"]) == (data, split)])
        models = [one for one in here if one.runs and not one.first["ablation"]]
        for ours in (one for one in models if not one.is_baseline):
            for score in (one for one in _scores_of(ours.first, tasks) if one.ranked):
                best = best_baseline(models, score)
                if best is not None:
                    found.append((data, split, score, ours, best))
    return found


def _counted(comparisons: Sequence[BaselineComparison], words: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each of our models, split and score."""
    groups: dict[tuple[str, str, str], list[tuple[BaselineComparison, str]]] = {}
    for comparison, said in zip(comparisons, words, strict=True):
        _, split, score, ours, _ = comparison
        groups.setdefault((ours.label, split, score.heading), []).append((comparison, said))
    lines = []
    for (model, split, title), group in groups.items():
        ahead_by = (s.goodness(o.mean(s.test_column) - b.mean(s.test_column)) for (_, _, s, o, b), _ in group)
        above = sum(difference > 0 for difference in ahead_by)
        ahead, behind = (sum(said.endswith(f", {end}") for _, said in group) for end in ("ahead", "behind"))
        lines.append(
            f"{model}, {split}: mean {title} above that of every baseline on {above} of {len(group)} sets; "
            f"shown ahead of the best one on {ahead}, shown behind it on {behind}."
        )
    return tuple(lines)
