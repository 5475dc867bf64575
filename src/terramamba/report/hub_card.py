"""The page of a run on a hub, ``README.md``: how it is used, what it takes, what it is worth, on what terms.

Made of what the run itself says. Names of files are left out: they are its owner's.
"""

from collections.abc import Iterator, Sequence

import yaml

from terramamba.raster.pixel_area import sides_in_words
from terramamba.report.summary import model_name
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores, of_set
from terramamba.training.task import Task

NO_LICENCE = "other"
"""What hubs call terms that have no name."""


def hub_card(task: Task, run: RunRecord, repo: str, licence: str | None) -> str:
    """Write the page.

    Args:
        task: The run's job.
        run: The run.
        repo: Name on the hub, ORG/NAME.
        licence: Of the weights, as hubs name it, such as apache-2.0; None: not said.
    """
    about = {
        "library_name": "terramamba",
        "license": licence or NO_LICENCE,
        "pipeline_tag": "image-segmentation",
        "tags": ["terramamba", "remote-sensing", "earth-observation", run.task, run.card.model.name],
    }
    parts = [
        f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n\n# {repo.rpartition('/')[2]}",
        f"{task.title}, by {model_name(run)}; a run of terramamba.",
        " ".join(task.report.sentences(run)),
        f"## Use\n\n```\n{_command(task, run, repo)}\n```",
        "## What it takes\n\n" + "\n".join(_takes(run)),
        "## What it says\n\n" + "\n".join(_says(run)),
        "## Scores\n\n" + "\n".join(_scores(task.scores, run)),
        "## Terms\n\n" + "\n".join(_terms(run, licence)),
        "## How it was made\n\n" + "\n".join(_made(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _command(task: Task, run: RunRecord, repo: str) -> str:
    images = " ".join(name.upper() for name in task.report.images)
    return f"pip install terramamba\nterramamba {run.task} map {images} --weights hf:{repo} --out MAP.tif"


def _takes(run: RunRecord) -> Iterator[str]:
    data = run.card.data
    used = data.scaling.bands
    yield f"Images of {data.source_bands} bands, of which {len(used)} are used:\n"
    columns = [("band", [str(band + 1) for band in used])]
    if (names := data.band_names) is not None:
        columns.append(("name", [names[band] for band in used]))
    if (waves := data.wavelengths) is not None:
        columns.append(("wavelength (nm)", [f"{waves[band]:g}" for band in used]))
    cells = [list(row) for row in zip(*(column for _, column in columns), strict=True)]
    yield from _table([head for head, _ in columns], cells)
    yield f"\nValues are scaled as in training ({data.scaling.kind})" + (
        ", each pair by its own." if data.scale_by == "pair" else "."
    )
    if data.pixel_sizes is not None:
        yield f"Pixels of {sides_in_words(data.pixel_sizes)} m."


def _says(run: RunRecord) -> Iterator[str]:
    data, judged = run.card.data, run.card.judged
    yield from _table(
        ["code", "class"],
        [[str(code), name] for code, name in zip(data.classes.codes, data.classes.names, strict=True)],
    )
    if judged.threshold is not None:
        yield f"\nThreshold: {judged.threshold.value:g} ({judged.threshold.source})."
    for what, threshold in (judged.thresholds or {}).items():
        yield f"- `--what {what}`: {threshold:g}"


def _scores(scores: Scores, run: RunRecord) -> Iterator[str]:
    metrics = run.metrics
    rows = []
    for score in of_set(scores):
        found = [score.shown(score.value_in(of), sign=True) for of in (metrics.test, metrics.validation)]
        if any(found):
            rows.append([score.title, *found])
    yield from _table(["score", "test", "validation"], rows)
    yield f"\nProtocol: {run.card.data.protocol} (split {run.card.data.split_id})."
    if metrics.leakage_in_words:
        yield f"\n{metrics.leakage_in_words}"


def _terms(run: RunRecord, licence: str | None) -> Iterator[str]:
    yield f"Licence of these weights: {licence or 'not said; ask their owner'}."
    origin = run.card.origin
    if origin is not None:
        yield f"Training began with {origin.words}. Its terms hold for what came of it, too."


def _made(run: RunRecord) -> Iterator[str]:
    made, model = run.card.made_by, run.card.model
    yield f"- terramamba {made.version}" + (f", commit {made.commit}" if made.commit else "")
    options = ", ".join(f"{name}={value}" for name, value in model.options.items())
    yield f"- {model.name}, {model.preset}: {run.metrics.parameters:,} parameters ({options})"
    if run.metrics.epochs_run is not None:
        yield f"- {run.metrics.epochs_run} epochs, of which number {run.metrics.best_epoch} was kept"
    yield f"- model.safetensors, SHA-256 {model.sha256}; nothing here is a pickle"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row(row) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
