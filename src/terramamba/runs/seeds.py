"""Repeats of one training job with several seeds: each in its own folder, then mean and deviation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.folder_lock import require_no_link
from terramamba.core.run_files import CARD, METRICS, seed_folder
from terramamba.core.termination import RESUMABLE
from terramamba.models.registry import model_spec
from terramamba.runs.clearing import is_run_folder
from terramamba.runs.exchange import final
from terramamba.runs.model_card import read_card
from terramamba.runs.record import all_metrics
from terramamba.runs.run_lock import at_work
from terramamba.scores.metrics import summarise
from terramamba.training.settings import TrainSettings

S = TypeVar("S", bound=TrainSettings)

OWN = ("folder", "seed", "split_id")
"""What belongs to one run and has no mean."""


def train_seeds(settings: S, train_one: Callable[[S], dict[str, Any]]) -> dict[str, Any]:
    """Train once, or ``settings.seeds`` times in ``out/seed-N``; the metrics, averaged where repeated.

    With ``resume``, finished repeats are kept and the interrupted one goes on. Raises ``InputError`` where
    another job holds the folder, or as ``refuse_other_model``.
    """
    if settings.seeds == 1:
        return train_one(settings)
    with at_work(Path(settings.out)):
        return _train_all(settings, train_one)


def _train_all(settings: S, train_one: Callable[[S], dict[str, Any]]) -> dict[str, Any]:
    results = []
    for seed in range(settings.seed, settings.seed + settings.seeds):
        folder = Path(settings.out) / seed_folder(seed)
        require_no_link(folder)
        if settings.resume and (folder / METRICS).exists():
            refuse_other_model(folder, settings)
            results.append(all_metrics(folder))
            continue
        begun = is_run_folder(folder)
        one = replace(
            settings,
            out=str(folder),
            seed=seed,
            seeds=1,
            resume=settings.resume and begun,
            overwrite=settings.overwrite or (settings.resume and not begun),
        )
        try:
            results.append(train_one(one))
        except KeyboardInterrupt as stop:
            if results:
                stop.add_note(RESUMABLE)
            raise
    # Where they lie says the command, not what is kept of earlier ones: they may have been moved.
    averaged = {"folder": final(settings.out), **average(results)}
    write_json(Path(settings.out) / METRICS, averaged)
    return averaged


def refuse_other_model(folder: Path, settings: TrainSettings) -> None:
    """Raise ``InputError`` where ``settings`` make another model than the finished run in ``folder`` has.

    They do where the model now has an option that it had not then, whose default builds another network.
    """
    if not (folder / CARD).is_file():
        return
    saved = read_card(folder).model
    spec = model_spec(saved.name)
    of_today = {**spec.presets.get(saved.preset, {}), **settings.set}
    for name, value in spec.options_of_before(saved.options).items():
        if name in saved.options:
            continue
        today = of_today.get(name, spec.parameters()[name].default)
        if value != today:
            raise InputError(
                f"{folder}: the model of this run has {name} {value!r}, today's {today!r};"
                " give another --out, or --overwrite"
            )


def average(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Average the metrics of several seeds; numbers that differ become {"mean", "std"} (n - 1)."""
    merged = _merge([{key: value for key, value in result.items() if key not in OWN} for result in results])
    return {"seeds": [result["seed"] for result in results], **merged}


def _merge(values: list[Any]) -> Any:
    first = values[0]
    if all(isinstance(value, Mapping) for value in values):
        shared = [key for key in first if all(key in value for value in values)]
        return {key: _merge([value[key] for value in values]) for key in shared}
    if all(value == first for value in values):
        return first
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        mean, std = summarise(values)
        return {"mean": mean, "std": std}
    if all(isinstance(value, list) and len(value) == len(first) for value in values):
        return [_merge(list(entries)) for entries in zip(*values, strict=True)]
    return values
