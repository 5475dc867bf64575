"""The jobs there are: one record each, which names all that a job has.

Commands and the public functions look here, and hand the record down; nothing below does. A third
job is a third wing and a third record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from terramamba.change import experiments as change_experiments
from terramamba.change import export as change_export
from terramamba.change import map as change_map
from terramamba.change import report_sections as change_sections
from terramamba.change import terminal as change_terminal
from terramamba.change.auto_model import best_model
from terramamba.change.evaluation import evaluate as evaluate_pairs
from terramamba.change.explain.explain import explain_change
from terramamba.change.map_output import ChangeMapOutput
from terramamba.change.objective import ChangeDetection
from terramamba.change.pretrained import run_of_weights
from terramamba.change.recipe import practical as change_recipe
from terramamba.change.report_map import change_layers
from terramamba.change.settings import ChangeConfig, ChangeSettings, ExplainPair
from terramamba.change.training import prepare as prepare_pairs
from terramamba.core.display import Shown
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.options import Options
from terramamba.data.catalog.record import DataSet
from terramamba.experiments.task import ExperimentTask, Timed
from terramamba.export.network import TileNetwork
from terramamba.export.settings import ExportSettings
from terramamba.landcover import experiments as land_cover_experiments
from terramamba.landcover import export as land_cover_export
from terramamba.landcover import map as land_cover_map
from terramamba.landcover import report_sections as land_cover_sections
from terramamba.landcover import terminal as land_cover_terminal
from terramamba.landcover.catalog_scene import load_scene
from terramamba.landcover.evaluation import evaluate as evaluate_pixels
from terramamba.landcover.explain.explain import explain_classes
from terramamba.landcover.map_output import ClassMapOutput
from terramamba.landcover.objective import Classification
from terramamba.landcover.patch_search import alternatives as patch_sides
from terramamba.landcover.recipe import practical as land_cover_recipe
from terramamba.landcover.report_map import land_cover_layers
from terramamba.landcover.settings import ClassConfig, ClassifySettings, ExplainScene
from terramamba.landcover.training import prepare as prepare_scene
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.plan import MapInputs, MapPlan, open_one_scene
from terramamba.models.spec import ModelSpec
from terramamba.raster.scene import Scene
from terramamba.report.map_layers import MapLayers
from terramamba.report.maps import ReportMap
from terramamba.report.task import Colours, ReportTask, ShownMap
from terramamba.runs.folder import Run
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES
from terramamba.training.objective import MakeObjective
from terramamba.training.recipes import Practical, Values
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.task import Prepared, Task
from terramamba.training.workload import Workload


def _no_map(*_: Any) -> Any:
    raise InputError("--map: this job's maps are not shown on the page; leave it out")


@dataclass(frozen=True)
class ReportRecord:
    """A job's part of the page: ``report.task.ReportTask``."""

    sentences: Callable[[RunRecord], list[str]]
    bars: Callable[[RunRecord, Scores], tuple[str, list[str]]]
    images: Sequence[str] = ()
    no_data: int = 0
    came_true: str = ""
    legend: Callable[[RunRecord], tuple[Mapping[int, str], Colours]] = _no_map
    layers: Callable[[ShownMap], MapLayers] = _no_map
    map_sentence: Callable[[ReportMap, int], str] = _no_map
    controls: Callable[[ReportMap], list[str]] = _no_map


def _reads_nothing(entry: Mapping[str, Any], known: DataSet | None) -> bool:
    """Take no files of an experiment: its models are not compared."""
    return False


def _look_at_nothing(settings: Any) -> None:
    """Find nothing wrong with files of which there are none."""


def _never_timed(run: Run, settings: Any) -> Timed:
    raise InputError(f"{run.folder}: runs for {run.task} are not timed")


@dataclass(frozen=True)
class ExperimentRecord:
    """A job's part in experiments: ``experiments.task.ExperimentTask``."""

    comes_split: bool = False
    reads: Callable[[Mapping[str, Any], DataSet | None], bool] = _reads_nothing
    look: Callable[[Any], None] = _look_at_nothing
    time: Callable[[Run, Any], Timed] = _never_timed


def _as_given(settings: Any) -> Any:
    """Leave ``settings`` as they are: files are found when they are prepared."""
    return settings


def _no_weights(given: str) -> Run | None:
    """Know of no weights that need no training."""
    return None


def _no_alternatives(settings: TrainSettings) -> Mapping[str, TrainSettings]:
    """Leave nothing to validation."""
    return {}


def _as_published(work: Workload, published: Values, given: Values) -> Values:
    """Change nothing of what is published."""
    return {}


def _unexplained(run: Run, scenes: Sequence[str], **options: Any) -> dict[str, Any]:
    raise InputError(f"{run.folder}: runs for {run.task} cannot be explained")


def _unexported(run: Run, settings: ExportSettings) -> TileNetwork:
    raise InputError(f"{run.folder}: runs for {run.task} cannot be exported")


def _nothing_shown(found: Mapping[str, Any]) -> Shown:
    return Shown((), {})


@dataclass(frozen=True)
class TaskRecord:
    """All that a job has: ``training.task.Task``; what most have alike is there already."""

    name: str
    title: str
    settings: type[TrainSettings]
    scores: Scores
    prepare: Callable[[Any, ModelSpec], Prepared]
    objective: MakeObjective[Any]
    evaluate: Callable[..., dict[str, Any]]
    plan_map: Callable[[MapInputs, str, Any], MapPlan]
    map_output: Callable[[Mapping[str, Any]], MapOutput]
    report: ReportTask
    shown_scores: Callable[[Mapping[str, Any], Scores], Shown]
    experiment: ExperimentTask = ExperimentRecord()
    config: type[TrainConfig] = TrainConfig
    named: Callable[[Any], Any] = _as_given
    best_model: Callable[[Any], Any] = _as_given
    pretrained_run: Callable[[str], Run | None] = _no_weights
    alternatives: Callable[[Any], Mapping[str, Any]] = _no_alternatives
    practical: Practical = _as_published
    open_inputs: Callable[[Sequence[StrPath | Scene], Any], Mapping[str, Scene]] = open_one_scene
    explain: Callable[..., dict[str, Any]] = _unexplained
    explain_options: type[Options] = Options
    shown_explanation: Callable[[Mapping[str, Any]], Shown] = _nothing_shown
    tile_network: Callable[[Run, ExportSettings], TileNetwork] = _unexported


LAND_COVER = TaskRecord(
    name="classify",
    title="Land cover",
    settings=ClassifySettings,
    scores=LAND_COVER_SCORES,
    named=load_scene,
    best_model=partial(replace, model="ssa_mamba"),
    prepare=prepare_scene,
    config=ClassConfig,
    objective=Classification,
    practical=land_cover_recipe,
    evaluate=evaluate_pixels,
    plan_map=land_cover_map.plan_map,
    map_output=ClassMapOutput.of,
    report=ReportRecord(
        images=land_cover_sections.IMAGES,
        came_true=land_cover_sections.CAME_TRUE,
        sentences=land_cover_sections.sentences,
        map_sentence=land_cover_sections.map_sentence,
        legend=land_cover_sections.legend,
        layers=land_cover_layers,
        bars=land_cover_sections.bars,
        controls=land_cover_sections.controls,
    ),
    experiment=ExperimentRecord(
        reads=land_cover_experiments.reads_scene,
        look=land_cover_experiments.look_at_scene,
        time=land_cover_experiments.time_patches,
    ),
    explain=explain_classes,
    alternatives=patch_sides,
    explain_options=ExplainScene,
    shown_scores=land_cover_terminal.shown_scores,
    shown_explanation=land_cover_terminal.shown_explanation,
    tile_network=land_cover_export.tile_network,
)

CHANGE = TaskRecord(
    name="change",
    title="Change between two dates",
    settings=ChangeSettings,
    best_model=best_model,
    pretrained_run=run_of_weights,
    scores=CHANGE_SCORES,
    prepare=prepare_pairs,
    config=ChangeConfig,
    objective=ChangeDetection,
    practical=change_recipe,
    evaluate=evaluate_pairs,
    open_inputs=change_map.open_inputs,
    plan_map=change_map.plan_map,
    map_output=ChangeMapOutput.of,
    report=ReportRecord(
        images=change_sections.IMAGES,
        no_data=255,
        came_true=change_sections.CAME_TRUE,
        sentences=change_sections.sentences,
        map_sentence=change_sections.map_sentence,
        legend=change_sections.legend,
        layers=change_layers,
        bars=change_sections.bars,
        controls=change_sections.controls,
    ),
    experiment=ExperimentRecord(
        comes_split=True,
        reads=change_experiments.reads_pairs,
        look=change_experiments.look_at_pairs,
        time=change_experiments.time_pairs,
    ),
    explain=explain_change,
    explain_options=ExplainPair,
    shown_scores=change_terminal.shown_scores,
    shown_explanation=change_terminal.shown_explanation,
    tile_network=change_export.tile_network,
)

TASKS: Mapping[str, Task] = {job.name: job for job in (LAND_COVER, CHANGE)}


def task_named(name: str) -> Task:
    """Return the job called ``name``; raises ``InputError`` where there is none."""
    if name not in TASKS:
        raise InputError(f"task {name!r} is unknown; there are: {', '.join(TASKS)}")
    return TASKS[name]


def task_of(settings: TrainSettings) -> Task:
    """Return the job that ``settings`` train; raises ``InputError`` where there is none."""
    for task in TASKS.values():
        if isinstance(settings, task.settings):
            return task
    raise InputError(f"{type(settings).__name__} are the settings of no job; give those of one")
