"""The jobs there are: one record each, which names all that a job has.

Commands and the public functions look here, and hand the record down; nothing below does. A third
job is a third wing and a third record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from terramamba.change import compared as change_compared
from terramamba.change import map as change_map
from terramamba.change import report_sections as change_sections
from terramamba.change import terminal as change_terminal
from terramamba.change.evaluation import evaluate as evaluate_pairs
from terramamba.change.explain.explain import explain_change
from terramamba.change.map_output import ChangeMapOutput
from terramamba.change.objective import ChangeDetection
from terramamba.change.recipe import practical as change_recipe
from terramamba.change.report_map import change_layers
from terramamba.change.settings import ChangeConfig, ChangeSettings, ExplainPair
from terramamba.change.training import prepare as prepare_pairs
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.options import Options
from terramamba.core.shown import Shown
from terramamba.experiments.compared import Compared, Timed
from terramamba.landcover import compared as land_cover_compared
from terramamba.landcover import map as land_cover_map
from terramamba.landcover import report_sections as land_cover_sections
from terramamba.landcover import terminal as land_cover_terminal
from terramamba.landcover.catalogued import load_scene
from terramamba.landcover.evaluation import evaluate as evaluate_pixels
from terramamba.landcover.explain.explain import explain_classes
from terramamba.landcover.map_output import ClassMapOutput
from terramamba.landcover.objective import Classification
from terramamba.landcover.patch_search import alternatives as patch_sides
from terramamba.landcover.recipe import practical as land_cover_recipe
from terramamba.landcover.report_map import land_cover_layers
from terramamba.landcover.settings import ClassConfig, ClassifySettings, ExplainScene
from terramamba.landcover.training import prepare as prepare_scene
from terramamba.mapping.jobs import MapOutput
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.models.spec import ModelSpec
from terramamba.raster.scene import Scene
from terramamba.report.job import Colours, ReportedJob
from terramamba.report.maps import ReportMap
from terramamba.runs.record import RunRecord
from terramamba.scores.score import Scores
from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES
from terramamba.training.objective import MakeObjective
from terramamba.training.recipes import Practical
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.task import Evaluation, Prepared, Task


@dataclass(frozen=True)
class Reported:
    """A job's part of the page: ``report.job.ReportedJob``."""

    beside: Sequence[str]
    no_data: int
    came_true: str
    sentences: Callable[[RunRecord], list[str]]
    map_sentence: Callable[[ReportMap, int], str]
    legend: Callable[[RunRecord], tuple[Mapping[int, str], Colours]]
    layers: Callable[[Scene, Mapping[str, Scene], Sequence[int]], dict[str, Any]]
    bars: Callable[[RunRecord, Scores], tuple[str, list[str]]]
    controls: Callable[[ReportMap], list[str]]


@dataclass(frozen=True)
class ComparedModels:
    """A job's part in experiments: ``experiments.compared.Compared``."""

    comes_split: bool
    reads: Callable[..., bool]
    time: Callable[..., Timed]


def _no_alternatives(settings: TrainSettings) -> Mapping[str, TrainSettings]:
    """Leave nothing to validation."""
    return {}


@dataclass(frozen=True)
class Job:
    """All that a job has: ``training.task.Task``."""

    name: str
    title: str
    settings: type[TrainSettings]
    scores: Scores
    named: Callable[[Any], Any]
    prepare: Callable[[Any, ModelSpec], Prepared]
    config: type[TrainConfig]
    objective: MakeObjective[Any]
    practical: Practical
    evaluate: Callable[..., Evaluation]
    open_inputs: Callable[[Sequence[StrPath | Scene], Any], Mapping[str, Scene]]
    plan_map: Callable[[MapInputs, str, Any], MapPlan]
    map_output: Callable[[Mapping[str, Any]], MapOutput]
    report: ReportedJob
    compared: Compared
    explain: Callable[..., dict[str, Any]]
    explain_options: type[Options]
    shown_scores: Callable[[Mapping[str, Any], Scores], Shown]
    shown_explanation: Callable[[Mapping[str, Any]], Shown]
    alternatives: Callable[[Any], Mapping[str, Any]] = _no_alternatives


def _as_given(settings: ChangeSettings) -> ChangeSettings:
    """Pairs of the catalogue are found when they are prepared."""
    return settings


LAND_COVER = Job(
    name="classify",
    title="Land cover",
    settings=ClassifySettings,
    scores=LAND_COVER_SCORES,
    named=load_scene,
    prepare=prepare_scene,
    config=ClassConfig,
    objective=Classification,
    practical=land_cover_recipe,
    evaluate=evaluate_pixels,
    open_inputs=land_cover_map.open_inputs,
    plan_map=land_cover_map.plan_map,
    map_output=ClassMapOutput.of,
    report=Reported(
        beside=land_cover_sections.BESIDE,
        no_data=0,
        came_true=land_cover_sections.CAME_TRUE,
        sentences=land_cover_sections.sentences,
        map_sentence=land_cover_sections.map_sentence,
        legend=land_cover_sections.legend,
        layers=land_cover_layers,
        bars=land_cover_sections.bars,
        controls=land_cover_sections.controls,
    ),
    compared=ComparedModels(
        comes_split=False, reads=land_cover_compared.reads_scene, time=land_cover_compared.time_patches
    ),
    explain=explain_classes,
    alternatives=patch_sides,
    explain_options=ExplainScene,
    shown_scores=land_cover_terminal.shown_scores,
    shown_explanation=land_cover_terminal.shown_explanation,
)

CHANGE = Job(
    name="change",
    title="Change between two dates",
    settings=ChangeSettings,
    scores=CHANGE_SCORES,
    named=_as_given,
    prepare=prepare_pairs,
    config=ChangeConfig,
    objective=ChangeDetection,
    practical=change_recipe,
    evaluate=evaluate_pairs,
    open_inputs=change_map.open_inputs,
    plan_map=change_map.plan_map,
    map_output=ChangeMapOutput.of,
    report=Reported(
        beside=change_sections.BESIDE,
        no_data=255,
        came_true=change_sections.CAME_TRUE,
        sentences=change_sections.sentences,
        map_sentence=change_sections.map_sentence,
        legend=change_sections.legend,
        layers=change_layers,
        bars=change_sections.bars,
        controls=change_sections.controls,
    ),
    compared=ComparedModels(
        comes_split=True, reads=change_compared.reads_pairs, time=change_compared.time_pairs
    ),
    explain=explain_change,
    explain_options=ExplainPair,
    shown_scores=change_terminal.shown_scores,
    shown_explanation=change_terminal.shown_explanation,
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
