"""From an experiment to its runs: each with its settings and a folder of its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_json
from terramamba.core.errors import InputError
from terramamba.core.run_files import MEASURED, METRICS, seed_folder
from terramamba.core.typed import typed
from terramamba.experiments.values import (
    Ablation,
    ConfiguredModel,
    DataSet,
    Experiment,
    Settings,
)
from terramamba.models.registry import model_spec
from terramamba.runs.clearing import is_run_folder
from terramamba.runs.exchange import place_of
from terramamba.runs.folder import check_same_config
from terramamba.runs.seeds import refuse_other_model
from terramamba.training.config import unobeyed
from terramamba.training.settings import TrainSettings
from terramamba.training.task import Task

FAILED = "failed.txt"

Train = Callable[[Task, TrainSettings], Any]
"""Trains a run of a task and writes its folder."""


@dataclass(frozen=True, kw_only=True)
class MeasuredCost:
    """What an experiment adds to a run folder, and by that the sign that all is done; None: not measured."""

    version: str
    torch: str
    parameters: int | None
    flops: int | None
    flops_input: str | None
    pixels_per_second: float
    peak_mib: float | None
    device: str
    threads: int


@dataclass(frozen=True)
class PlannedRun:
    """One training run: what is varied, and its settings in full."""

    task: Task
    data: str
    split: str
    model: str
    ablation: str
    """Empty for the model as it is."""
    baseline: bool
    settings: TrainSettings

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.settings.out)

    @property
    def label(self) -> str:
        """Name of the model as tables show it, with what was changed."""
        return f"{self.model}, {self.ablation}" if self.ablation else self.model

    @property
    def name(self) -> str:
        """Everything that is varied, in words."""
        return f"{self.data}, {self.split}, {self.label}, seed {self.settings.seed}"


def plan_runs(experiment: Experiment, out: Path, device: str = "auto") -> tuple[PlannedRun, ...]:
    """Return the runs of an experiment in the order of the file, seeds innermost, in ``out/runs``.

    Raises:
        InputError: nothing to run, or two runs that would have one folder.
    """
    runs = []
    for data in experiment.data:
        for split in data.splits:
            for model in experiment.models:
                runs += _runs_of(experiment, data, split, model, out, device)
    if not runs:
        raise InputError("no run: no model is for the task of any of the data")
    folders: dict[str, PlannedRun] = {}
    for run in runs:  # names that differ in case alone are one folder on some systems
        other = folders.setdefault(str(run.folder).casefold(), run)
        if other is not run:
            raise InputError(f"{other.name} and {run.name} would share {run.folder}; rename one of them")
    return tuple(runs)


def _runs_of(
    experiment: Experiment, data: DataSet, split: str, model: ConfiguredModel, out: Path, device: str
) -> list[PlannedRun]:
    if model.task.name != data.task.name:
        return []
    as_it_is = Ablation("", model.name, {}, model.only)
    runs = []
    for ablation in (as_it_is, *(one for one in experiment.ablations if one.of == model.name)):
        if data.name in (ablation.only or [data.name]) and split in (ablation.splits or [split]):
            runs += runs_of(experiment, data, split, model, ablation, out, device)
    return runs


def runs_of(
    experiment: Experiment,
    data: DataSet,
    split: str,
    model: ConfiguredModel,
    ablation: Ablation,
    out: Path,
    device: str = "auto",
) -> list[PlannedRun]:
    """Return the runs of one variation of a model on one set and split: one a seed.

    What all models are given and this one cannot obey is left out.
    """
    shared = merged(
        [
            {"device": device},
            experiment.settings[data.task.name],
            data.settings,
            {} if data.task.experiment.comes_split else experiment.splits[split],
        ]
    )
    cannot = unobeyed(data.task.settings, model_spec(model.settings["model"]))
    for_all = {name: value for name, value in shared.items() if name not in cannot}
    runs = []
    for seed in data.seeds:
        names = (data.name, split, model.name, ablation.name or "full", seed_folder(seed))
        own = {"out": str(out.joinpath("runs", *map(_as_folder, names))), "seed": seed}
        settings = data.task.settings(**merged([for_all, model.settings, ablation.settings, own]))
        runs.append(
            PlannedRun(data.task, data.name, split, model.name, ablation.name, model.baseline, settings)
        )
    return runs


def merged(sources: list[Settings]) -> dict[str, Any]:
    """Merge settings, the later ones over the earlier; options of the model (``set``) one by one."""
    options = {key: value for source in sources for key, value in source.get("set", {}).items()}
    return {key: value for source in sources for key, value in source.items()} | {"set": options}


def is_trained(run: PlannedRun) -> bool:
    """Tell whether the run in its folder was trained to the end, with the settings of this one."""
    return (run.folder / METRICS).is_file() and _difference(run, run.folder) is None


def is_done(run: PlannedRun) -> bool:
    """Tell whether the run was trained and measured to the end."""
    return is_trained(run) and (run.folder / MEASURED).is_file()


def begun_in(run: PlannedRun) -> Path:
    """Return where the run is that training would go on with: in its folder, or made there to replace it."""
    return place_of(run.folder, resume=True)


def other_settings(run: PlannedRun) -> str | None:
    """Describe how an earlier run in the same folder differs; None where it does not or there is none.

    One that is to replace it, and was ended, counts in its place.
    """
    return None if is_trained(run) else _difference(run, begun_in(run))


def _difference(run: PlannedRun, folder: Path) -> str | None:
    if not is_run_folder(folder):
        return None
    try:
        check_same_config(folder, run.settings)
        refuse_other_model(folder, run.settings)
    except InputError as error:
        return str(error)
    return None


def read_cost(run: PlannedRun) -> MeasuredCost:
    """Read what the run was measured to cost; raises ``InputError`` where the file is damaged."""
    path = run.folder / MEASURED
    try:
        return typed(MeasuredCost, read_json(path, "remove it, and the run is measured again"))
    except ValueError as error:
        raise InputError(f"{path}: {error}; remove it, and the run is measured again") from error


def failure_of(run: PlannedRun) -> str | None:
    """Return why the run failed the last time, if it did."""
    path = failure_path(run)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def failure_path(run: PlannedRun) -> Path:
    """Return the file that says why a run failed: beside its folder, which may not have come about."""
    return run.folder.with_name(f"{run.folder.name}.{FAILED}")


def _as_folder(name: str) -> str:
    return re.sub(r"[^\w.=-]+", "-", name).strip("-.") or "unnamed"
