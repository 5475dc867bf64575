"""Training for any task: a run from the files to its folder."""

import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from terramamba._version import __version__
from terramamba.core.devices import resolve_device
from terramamba.core.display import columns_of
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.options import part_of
from terramamba.core.progress import progress, say
from terramamba.core.provenance import code_version
from terramamba.core.rank_zero import on_rank_zero
from terramamba.core.run_files import METRICS, PLAN, WEIGHTS, WRITTEN
from terramamba.models.model import Model
from terramamba.models.weights import save_model
from terramamba.pipeline.plans import plan_of
from terramamba.pipeline.ready import Ready, make_ready, named, objective_of, spec_of
from terramamba.raster.output.staging import check_outputs
from terramamba.report.page import write_run_pages
from terramamba.runs.apart import trained_apart
from terramamba.runs.exchange import final
from terramamba.runs.folder import as_begun, check_folder, run_folder
from terramamba.runs.model_card import MadeBy, ModelCard, write_card
from terramamba.runs.seeds import train_seeds
from terramamba.training.checkpoint import refuse_other_contents
from terramamba.training.fit import fit
from terramamba.training.settings import TrainSettings
from terramamba.training.task import Task


@on_rank_zero
def train(task: Task, settings: TrainSettings) -> dict[str, Any]:
    """Train, choose the best epoch on validation, score once on test; write the run folder.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    if settings.dry_run:
        raise InputError("--dry-run: trains nothing; ask for the plan alone")
    with trained_apart(settings) as here:
        result = train_seeds(_searched(task, named(task, here)), partial(_train_one, task))
    write_run_pages(task, settings.out)
    return result


def _searched(task: Task, settings: Any) -> Any:
    """``settings``, or those of their alternatives with the best score on validation; nothing is tested."""
    tried = task.alternatives(settings)
    if not tried:
        return settings
    if len(tried) == 1:
        return next(iter(tried.values()))
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite, seeds=settings.seeds)
    scores = {}
    for name, one in tried.items():
        with TemporaryDirectory(prefix="terramamba-") as folder:
            _, _, fitted = _fitted(task, make_ready(task, one), Path(folder))
        scores[name] = fitted["best_score"]
    best = max(scores, key=scores.__getitem__)
    found = ", ".join(f"{name}: {100 * score:.2f}" for name, score in scores.items())
    say(f"{best} has the best score on validation, in % ({found})")
    return tried[best]


def _train_one(task: Task, settings: Any) -> dict[str, Any]:
    spec_of(task, settings)
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    ready = make_ready(task, as_begun(settings))
    settings, prepared = ready.settings, ready.prepared
    plan = plan_of(task, ready)
    read = [name for name, _ in prepared.inputs.states]
    check_outputs([Path(final(settings.out), name) for name in WRITTEN], overwrite=True, inputs=read)
    with run_folder(settings) as folder:
        if settings.resume:
            refuse_other_contents(folder, prepared.contents)
        say(plan.text(columns_of(sys.stderr)))
        write_json(folder / PLAN, asdict(plan))
        prepared.write_split(folder)
        start = time.monotonic()
        model, threshold, fitted = _fitted(task, ready, folder)
        fitted["minutes"] = (time.monotonic() - start) / 60
        judged = prepared.judge(model, threshold)
        prepared.inputs.require_same("start again with --overwrite, and with files that stay as they are")
        made_by = MadeBy(__version__, code_version()["commit"])
        saved = save_model(model, folder / WEIGHTS)
        origin = None if ready.beginning is None else ready.beginning.origin
        write_card(folder, ModelCard(task.name, saved, prepared.card, judged.card, made_by, origin))
        judged.write(folder)
        result = {
            "folder": final(str(folder)),
            "task": task.name,
            "protocol": prepared.card.protocol,
            "split_id": prepared.card.split_id,
            **judged.facts,
            **prepared.facts,
            "notes": [*prepared.notes, *(ready.beginning.notes if ready.beginning else ())],
            "seed": settings.seed,
            "model": settings.model,
            "preset": settings.preset,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **fitted,
            **judged.scores,
            "code": code_version(),
        }
        write_json(folder / METRICS, result)
    return result


def _fitted(task: Task, ready: Ready, folder: Path) -> tuple[Model, float | None, dict[str, Any]]:
    """The model after training, the threshold that validation chose, and how training went.

    A model that is solved for is made here; one with nothing to learn is as it was.
    """
    settings, spec, prepared, model = ready.settings, ready.spec, ready.prepared, ready.model
    if spec.fit is not None:
        solved, record = prepared.solve(spec)
        return solved, None, record
    if ready.work is None:
        return model, None, {"device": str(resolve_device(settings.device))}
    config = part_of(settings, task.config)
    with progress(f"train {spec.name}", config.epochs, "epochs") as advance:
        outcome = fit(
            model,
            objective_of(task, prepared),
            prepared.training_set(),
            prepared.validation_set(),
            config,
            folder,
            contents=prepared.contents,
            resume=settings.resume,
            on_progress=advance,
        )
    went = asdict(outcome)
    return model, went.pop("threshold"), {**went, "device": str(resolve_device(config.device))}
