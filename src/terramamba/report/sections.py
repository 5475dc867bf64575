"""The sections of the page that need no script: comparison, scores, provenance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from terramamba.core.display import Shown
from terramamba.mapping.tags import MODEL_TAG
from terramamba.report.charts import curves
from terramamba.report.colours import share, swatch
from terramamba.report.comparable import why_not_comparable
from terramamba.report.maps import ReportMap
from terramamba.report.probabilities import probability_cards
from terramamba.report.summary import (
    caveats,
    compare_sentences,
    map_sentences,
    model_name,
    percent,
    run_sentences,
)
from terramamba.report.task import ReportTask
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Score, Scores, columns, followed, per_class

FEW = 7
"""Classes of which two tables find room beside each other."""

SAVE_SCORES = '<div class="buttons"><button type="button" id="save-scores">save scores (CSV)</button></div>'

FORMAT_TAGS = ("TIFFTAG_", "AREA_OR_POINT")
"""How tags of a map begin that say nothing of its making, or what others say."""


@dataclass(frozen=True)
class Section:
    """A part of the page: its ``name`` in links to it, its heading in plain text, and HTML below that."""

    name: str
    title: str
    body: str


def summary(task: ReportTask, runs: Sequence[RunRecord], land: ReportMap | None, main: Score) -> Section:
    """Write the summary in sentences; ``main`` is the score that decides."""
    said = [" ".join(compare_sentences(task, runs, main) if len(runs) > 1 else run_sentences(task, runs[0]))]
    if land is not None:
        said.append(" ".join(map_sentences(task, land)))
    doubts = [] if land is None else list(land.doubts)
    said_of_runs = [note for run in runs for note in caveats(run)]
    warned = "".join(f"<li>{escape(note)}</li>" for note in dict.fromkeys([*doubts, *said_of_runs]))
    notes = f'<h3>To know beforehand</h3><ul class="notes">{warned}</ul>' if warned else ""
    lead = "".join(f'<p class="lead">{escape(words)}</p>' for words in said)
    return Section("summary", "Summary", lead + notes)


def comparison(runs: Sequence[RunRecord], listed: Scores) -> Section | None:
    """Write a row for each run; where they can be compared, the best of each score stands out.

    None for one run.
    """
    if len(runs) < 2:
        return None
    reason = why_not_comparable(runs)
    best = {}
    for score in columns(listed):
        found = [value for run in runs if (value := score.value_in(run.test)) is not None]
        if found:
            best[score] = max(found, key=score.goodness)
    rows = []
    for run in runs:
        cells = [f'<th scope="row">{escape(run.name)}</th>', f"<td>{escape(model_name(run))}</td>"]
        cells.append(f"<td>{escape(run.metrics.protocol or '')}</td>")
        for score, most in best.items():
            value = score.value_in(run.test)
            text = score.shown(value, sign=True) or "–"
            shown = f"<b>{text}</b>" if reason is None and value == most else text
            cells.append(f'<td class="number">{shown}</td>')
        cells.append(f'<td class="number">{run.metrics.parameters:,}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = ["run", "model", "protocol", *(score.title for score in best), "parameters"]
    apart = "" if reason is None else f'<p class="hint">Not compared: {escape(reason)}.</p>'
    listed_scores = table("scores on test", head, rows)
    return Section("comparison", "Runs beside each other", apart + listed_scores + SAVE_SCORES)


def scores(task: ReportTask, run: RunRecord, many: bool, listed: Scores) -> Section:
    """Write confusion matrix, bars and curves of one run; of pretrained weights, their card."""
    if run.pretrained is not None:
        return Section(
            "weights", f"The weights: {run.name}", _tables(run.pretrained) + _facts(run.pretrained.facts)
        )
    cards = [
        _bars(task, run, per_class(listed)),
        _confusion(run),
        *_training(run, followed(listed)),
        *probability_cards(run, task.came_true, listed),
    ]
    title = f"Scores of {run.name}" if many else "Scores on test" if run.test else "Scores"
    saving = SAVE_SCORES if run.test and not many else ""
    return Section("scores", title, f'<div class="cards">{"".join(cards)}</div>{saving}')


def understood(run: RunRecord, many: bool) -> Section | None:
    """Write what was understood of the files before training; None for a run that kept none of it."""
    if run.plan is None:
        return None
    warned = "".join(f"<li>{escape(words)}</li>" for words in run.plan.warnings)
    tables = _tables(run.plan.shown)
    facts = _facts(run.plan.shown.facts)
    title = f"What was understood for {run.name}" if many else "What was understood"
    notes = f'<ul class="notes">{warned}</ul>' if warned else ""
    return Section("understood", title, notes + tables + facts)


def provenance(runs: Sequence[RunRecord], land: ReportMap | None, written: str, version: str) -> Section:
    """Write where every number comes from."""
    blocks = []
    for run in runs:
        metrics = run.metrics
        facts = {
            "folder": run.folder,
            "model": model_name(run),
            "weights (sha256)": run.card.model.sha256,
            "began with": None if run.card.origin is None else run.card.origin.words,
            "trained with": f"terramamba {run.card.made_by.version}",
            "commit": run.card.made_by.commit,
            "protocol": metrics.protocol,
            "split": metrics.split_id,
            "seed": metrics.seed,
            "epochs run": metrics.epochs_run,
            "kept epoch": metrics.best_epoch,
            "threshold": metrics.threshold,
            "training minutes": None if metrics.minutes is None else f"{metrics.minutes:.2f}",
            "device": metrics.device,
            **{key: run.settings[key] for key in ("scene", "labels", "data") if run.settings.get(key)},
        }
        settings = _facts(run.settings)
        blocks.append(
            f"<h3>{escape(run.name)}</h3>{_facts(facts)}"
            + (f"<details><summary>All settings</summary>{settings}</details>" if run.settings else "")
        )
    if land is not None:
        tags = {
            name.lower().replace("_", " "): value
            for name, value in land.tags.items()
            if not name.startswith(FORMAT_TAGS)
        }
        blocks.append(f"<h3>Map</h3>{_facts({'file': land.path, 'made by': _maker(runs, land), **tags})}")
    blocks.append(f'<p class="hint">This page: terramamba {escape(version)}, {escape(written)}.</p>')
    return Section("provenance", "Provenance", "".join(blocks))


def _maker(runs: Sequence[RunRecord], land: ReportMap) -> str:
    sha, model = land.tags.get(MODEL_TAG), land.tags.get("MODEL")
    made = [
        run.name
        for run in runs
        if sha and run.card.model.sha256 == sha and model in (None, run.card.model.name)
    ]
    return made[0] if made else "the file does not name any of these runs"


def _bars(task: ReportTask, run: RunRecord, listed: Scores) -> str:
    if not run.test:
        return ""
    title, rows = task.bars(run, listed)
    head = ["class", "pixels", *(score.label for score in listed)]
    shown = table("Fractions of the test pixels", head, rows, "bars")
    return f'<div class="card{_width(run)}"><h3>{escape(title)}</h3>{shown}</div>'


def bar_row(
    name: str, values: Mapping[str, Any], pixels: str, colour: Sequence[int] | None, listed: Scores
) -> str:
    """Write a row of a class: its pixels, and its scores as bars."""
    marked = "" if colour is None else swatch(colour)
    cells = "".join(
        f'<td class="number">{score.shown(values.get(score.key), coarse=True, sign=True) or "–"}'
        f'<i class="bar" {share(values.get(score.key) or 0)}></i></td>'
        for score in listed
    )
    return (
        f'<tr><th scope="row">{marked}{escape(name)}</th><td class="number">{escape(pixels)}</td>{cells}</tr>'
    )


def _width(run: RunRecord) -> str:
    """Tables of many classes take a row of their own."""
    return " wide" if len(run.class_names) > FEW else ""


def _confusion(run: RunRecord) -> str:
    if not run.confusion:
        return ""
    rows = []
    for name, cells in zip(run.class_names, run.confusion, strict=True):
        total = max(1, sum(cells))
        row = "".join(
            f'<td class="number{" none" * (cell == 0)}" {share(cell / total)}'
            f' title="{escape(name)} taken for {escape(other)}: {percent(cell / total)}">{cell:,}</td>'
            for other, cell in zip(run.class_names, cells, strict=True)
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{row}</tr>')
    head = ["truth ↓, map →", *run.class_names]
    caption = "Pixels of each true class (row) by what the model says (column)"
    matrix = table(caption, head, rows, "confusion")
    return f'<div class="card{_width(run)}"><h3>Confusion matrix</h3>{matrix}</div>'


def _training(run: RunRecord, listed: Scores) -> Iterable[str]:
    history = dict(run.history)
    epochs = [value for value in history.pop("epoch", []) if value is not None]
    best = run.metrics.best_epoch
    losses = {name.replace("_", " "): history[name] for name in history if name.endswith("loss")}
    found = {score.heading: history[score.key] for score in listed if score.key in history}
    for title, chosen in (("Loss while training", losses), ("Scores on validation", found)):
        chart = curves(title, epochs, chosen, best)
        if chart:
            yield f'<div class="card">{chart}</div>'


def table(caption: str, head: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """Write a table that scrolls by itself where the page is narrow; ``rows`` are HTML."""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{kind}"><caption><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _tables(shown: Shown) -> str:
    return "".join(
        table(
            one.title,
            one.columns,
            ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in one.rows],
        )
        for one in shown.tables
    )


def _facts(facts: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<dl>{lines}</dl>"
