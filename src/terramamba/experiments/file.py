"""The YAML file of an experiment, read and checked: what is wrong is named with its key.

::

    seeds: 5                                  a number (0, 1, ...) or a list; below data for one set alone
    variables: {data_root: samples}           ${data_root} below; the command line's --set overrides
    settings: {epochs: 30, patch_size: 7}     any flag of the train commands, for every run that obeys it
    splits:                                   of scenes; pairs come split
      block: {split: block, train_fraction: 0.1}
    data:
      pines: {scene: "${data_root}/cube.mat", labels: "${data_root}/gt.mat", published: [...]}
      levir: {data: "${data_root}/levir_cd"}
      salinas: {data: salinas, root: "${data_root}/salinas"}     a name of `terramamba datasets`
    models:
      ssa_mamba: {preset: small}
      svm: {}
    ablations:
      without the gate: {of: ssa_mamba, set: {gate: false}, only: [pines], splits: [block]}
    sweep:
      ssa_mamba: {patch_size: [5, 7, 9], set.depth: [1, 2, 4]}
    search:                                   by optuna, on validation; a list, or low and high
      ssa_mamba: {trials: 20, space: {lr: {low: 1e-4, high: 1e-2, log: true}, set.depth: [1, 2, 4]}}

Paths are relative to the YAML file. Settings of data, split, model and ablation override those before them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_yaml
from terramamba.core.errors import InputError
from terramamba.data.catalog import CATALOG
from terramamba.experiments.checks import (
    ablation_of,
    as_mapping,
    as_number,
    check_obeyed,
    check_settings,
    filled,
    names_in,
    require_keys,
    resolved,
    search_of,
    seeds_of,
    sweep_of,
)
from terramamba.experiments.values import (
    GIVEN,
    OURS,
    PATHS,
    ConfiguredModel,
    DataSet,
    Experiment,
    Published,
    Settings,
    Tasks,
)
from terramamba.models.registry import model_spec
from terramamba.scores.score import columns
from terramamba.training.settings import TrainSettings
from terramamba.training.task import Task

KEYS = {"name", "variables", "settings", "splits", "data", "models", "ablations", "sweep", "search", "seeds"}


def read_experiment(path: Path, tasks: Tasks, variables: Mapping[str, Any] | None = None) -> Experiment:
    """Read the experiment in a YAML file, for any of ``tasks``; ``variables`` override those of the file.

    Raises:
        InputError: the file, the key and what is wrong there.
    """
    record = read_yaml(path, "write data: and models:, and perhaps settings: and seeds:", aliases=True)
    try:
        return _experiment(path, tasks, record, {str(k): str(v) for k, v in (variables or {}).items()})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _experiment(path: Path, tasks: Tasks, record: Mapping[str, Any], given: Mapping[str, str]) -> Experiment:
    require_keys(record, "", KEYS, ("data", "models"))
    known_variables = {k: str(v) for k, v in as_mapping(record, "variables").items()}
    unknown = [name for name in given if name not in known_variables]
    if unknown:
        raise InputError(
            f"--set {unknown[0]}: no such variable; variables has: {', '.join(known_variables) or 'none'}"
        )
    record = filled({k: v for k, v in record.items() if k != "variables"}, known_variables | dict(given), "")
    common = as_mapping(record, "settings")
    for key in common:
        if not any(key in _fields(task.settings) for task in tasks.values()):
            raise InputError(f"settings.{key}: no setting of the train commands")
    by_task: dict[str, Settings] = {}
    for name, task in tasks.items():
        own = {key: value for key, value in common.items() if key in _fields(task.settings)}
        by_task[name] = check_settings(own, "settings", task.settings, forbidden=(*PATHS, "model", "split"))
    given_splits = as_mapping(record, "splits") or {"block": {"split": "block"}}
    splitting = next(task.settings for task in tasks.values() if not task.experiment.comes_split)
    splits: dict[str, Settings] = {
        name: check_settings(
            as_mapping(given_splits, name, "splits"), f"splits.{name}", splitting, (*PATHS, "model")
        )
        for name in given_splits
    }
    seeds = seeds_of(record.get("seeds", 1))
    data = tuple(
        _data_set(name, record, tasks, splits, seeds, path.parent) for name in as_mapping(record, "data")
    )
    sets = [entry.name for entry in data]
    models = tuple(_configured_model(name, record, tasks, sets) for name in as_mapping(record, "models"))
    names = {entry.name: entry for entry in models}
    ablations = [
        ablation_of(name, record, names, sets, list(splits)) for name in as_mapping(record, "ablations")
    ]
    ablations += sweep_of(as_mapping(record, "sweep"), names)
    searches = [search_of(name, record, names, sets, list(splits)) for name in as_mapping(record, "search")]
    return Experiment(
        str(record.get("name", path.stem)),
        by_task,
        data,
        splits,
        models,
        tuple(ablations),
        tuple(searches),
    )


def _data_set(
    name: str,
    record: Mapping[str, Any],
    tasks: Tasks,
    splits: Mapping[str, Settings],
    common: tuple[int, ...],
    home: Path,
) -> DataSet:
    key = f"data.{name}"
    entry = dict(as_mapping(record["data"], name, "data"))
    published = tuple(_published(one, f"{key}.published") for one in entry.pop("published", None) or ())
    own_splits = names_in(entry.pop("splits", None), list(splits), f"{key}.splits")
    own_seeds = entry.pop("seeds", None)
    seeds = common if own_seeds is None else seeds_of(own_seeds, f"{key}.seeds")
    if not entry.get("data") and not entry.get("scene"):
        raise InputError(f"{key}: give the scene and labels of a scene, or data: pairs or a catalogue's name")
    known = CATALOG.get(str(entry.get("data")).lower())
    if known is not None and "root" not in entry:
        if not (home / str(entry["data"])).exists():
            raise InputError(f"{key}.root: say where {known.title} lies; {known.where}")
        known = None  # a folder that happens to have such a name
    task = next(task for task in tasks.values() if task.experiment.reads(entry, known))
    known_scores = [score.name for score in columns(task.scores)]
    for one in published:
        names_in(list(one.scores), known_scores, f"{key}.published.scores")
    settings = check_settings(entry, key, task.settings, forbidden=("model",))
    for path in PATHS:
        if path in settings and not (path == "data" and known is not None):
            settings[path] = resolved(settings[path], home, f"{key}.{path}")
    if known is not None:
        settings |= _files_of(task, settings, key)
    if task.experiment.comes_split:
        return DataSet(name, task, settings, (GIVEN,), seeds, published)
    return DataSet(name, task, settings, own_splits or tuple(splits), seeds, published)


def _files_of(task: Task, settings: Settings, key: str) -> dict[str, Any]:
    """The files and class names of a set of the catalogue, verified once for all runs."""
    try:
        found = task.named(task.settings(out="", **settings))
    except InputError as error:
        raise InputError(f"{key}: {error}") from error
    values = {name: getattr(found, name, None) for name in (*PATHS, "class_names")}
    return {name: value for name, value in values.items() if value is not None}


def _configured_model(
    name: str, record: Mapping[str, Any], tasks: Tasks, sets: Sequence[str]
) -> ConfiguredModel:
    key = f"models.{name}"
    entry = dict(as_mapping(record["models"], name, "models"))
    baseline = entry.pop("baseline", None)
    if baseline not in (None, True, False):
        raise InputError(f"{key}.baseline: {baseline!r} is not yes or no")
    only = names_in(entry.pop("only", None), sets, f"{key}.only")
    try:
        spec = model_spec(str(entry.setdefault("model", name)))
    except InputError as error:
        raise InputError(f"{key}: {error}") from error
    kind = tasks[spec.task].settings
    settings = check_settings(entry, key, kind, forbidden=PATHS)
    check_obeyed(settings, key, kind, spec)
    is_baseline = spec.name not in OURS if baseline is None else baseline
    return ConfiguredModel(name, tasks[spec.task], settings, is_baseline, only)


def _published(entry: Any, key: str) -> Published:
    if not isinstance(entry, Mapping):
        raise InputError(f"{key}: give a list of {{model, scores, protocol, source}}")
    require_keys(entry, key, set(Published._fields), Published._fields)
    scores = as_mapping(entry, "scores", key)
    numbers = {name: as_number(value, f"{key}.scores.{name}") for name, value in scores.items()}
    for name, number in numbers.items():
        if not -100 <= number <= 100:
            raise InputError(f"{key}.scores.{name}: {number:g} is no score in per cent, from 0 to 100")
    return Published(
        str(entry["model"]),
        numbers,
        str(entry["protocol"]),
        str(entry["source"]),
    )


def _fields(kind: type[TrainSettings]) -> set[str]:
    return {field.name for field in fields(kind)}
