"""State-space (Mamba) models for Earth observation: land-cover maps and change maps from real images.

The public names are loaded when they are first used, so that importing the package stays quick. Programs that
check types read where each comes from; ``_HOMES`` says the same to Python.
"""

from typing import TYPE_CHECKING

from terramamba._version import __version__
from terramamba.core.lazy_names import loader

if TYPE_CHECKING:
    from terramamba import ops as ops
    from terramamba.api.assessing import assess_map as assess_map
    from terramamba.api.assessing import sample_points as sample_points
    from terramamba.api.change_maps import map_change as map_change
    from terramamba.api.class_maps import map_classes as map_classes
    from terramamba.api.classifiers import pretrained_classifier as pretrained_classifier
    from terramamba.api.detectors import pretrained_detector as pretrained_detector
    from terramamba.api.detectors import untrained_detector as untrained_detector
    from terramamba.api.explanation_results import ExplainedChange as ExplainedChange
    from terramamba.api.explanation_results import ExplainedClasses as ExplainedClasses
    from terramamba.api.explanations import explain_change as explain_change
    from terramamba.api.explanations import explain_classes as explain_classes
    from terramamba.api.exporting import export_onnx as export_onnx
    from terramamba.api.in_memory import open_scene as open_scene
    from terramamba.api.map_array import MapArray as MapArray
    from terramamba.api.maps import check_pair as check_pair
    from terramamba.api.maps import join_map as join_map
    from terramamba.api.publishing import PushedRun as PushedRun
    from terramamba.api.publishing import push_run as push_run
    from terramamba.api.reports import run_experiment as run_experiment
    from terramamba.api.reports import write_report as write_report
    from terramamba.api.results import ClassScores as ClassScores
    from terramamba.api.results import EvaluationResult as EvaluationResult
    from terramamba.api.results import Spread as Spread
    from terramamba.api.results import TrainResult as TrainResult
    from terramamba.api.samples import PairSamples as PairSamples
    from terramamba.api.samples import SceneSamples as SceneSamples
    from terramamba.api.samples import pair_from_sample as pair_from_sample
    from terramamba.api.samples import write_pairs as write_pairs
    from terramamba.api.training import evaluate_change_detector as evaluate_change_detector
    from terramamba.api.training import evaluate_classifier as evaluate_classifier
    from terramamba.api.training import plan_training as plan_training
    from terramamba.api.training import resolved as resolved
    from terramamba.api.training import train_change_detector as train_change_detector
    from terramamba.api.training import train_classifier as train_classifier
    from terramamba.assessment.assess import Assessment as Assessment
    from terramamba.assessment.reference_points import DrawnPoints as DrawnPoints
    from terramamba.change.map_output import ChangeSummary as ChangeSummary
    from terramamba.change.settings import ChangeSettings as ChangeSettings
    from terramamba.core.errors import Cancelled as Cancelled
    from terramamba.core.errors import InputError as InputError
    from terramamba.export.onnx_file import WrittenOnnx as WrittenOnnx
    from terramamba.landcover.map_summary import ClassSummary as ClassSummary
    from terramamba.landcover.settings import ClassifySettings as ClassifySettings
    from terramamba.mapping.area_table import ClassArea as ClassArea
    from terramamba.models.registry import create_model as create_model
    from terramamba.models.registry import list_models as list_models
    from terramamba.raster.checks.pair import PairReport as PairReport
    from terramamba.raster.readers.in_memory import scene_from_array as scene_from_array
    from terramamba.raster.scene import Scene as Scene
    from terramamba.report.maps import MapFiles as MapFiles
    from terramamba.runs.folder import Run as Run
    from terramamba.runs.folder import load_run as load_run

_HOMES = {
    "ops": "",
    "ExplainedChange": "api.explanation_results",
    "ExplainedClasses": "api.explanation_results",
    "assess_map": "api.assessing",
    "sample_points": "api.assessing",
    "pretrained_classifier": "api.classifiers",
    "pretrained_detector": "api.detectors",
    "untrained_detector": "api.detectors",
    "explain_change": "api.explanations",
    "explain_classes": "api.explanations",
    "run_experiment": "api.reports",
    "write_report": "api.reports",
    "export_onnx": "api.exporting",
    "open_scene": "api.in_memory",
    "evaluate_change_detector": "api.training",
    "evaluate_classifier": "api.training",
    "plan_training": "api.training",
    "resolved": "api.training",
    "train_change_detector": "api.training",
    "train_classifier": "api.training",
    "MapArray": "api.map_array",
    "check_pair": "api.maps",
    "join_map": "api.maps",
    "PushedRun": "api.publishing",
    "push_run": "api.publishing",
    "map_change": "api.change_maps",
    "map_classes": "api.class_maps",
    "ClassScores": "api.results",
    "EvaluationResult": "api.results",
    "Spread": "api.results",
    "TrainResult": "api.results",
    "PairSamples": "api.samples",
    "SceneSamples": "api.samples",
    "pair_from_sample": "api.samples",
    "write_pairs": "api.samples",
    "Assessment": "assessment.assess",
    "DrawnPoints": "assessment.reference_points",
    "ChangeSummary": "change.map_output",
    "ChangeSettings": "change.settings",
    "Cancelled": "core.errors",
    "InputError": "core.errors",
    "WrittenOnnx": "export.onnx_file",
    "ClassSummary": "landcover.map_summary",
    "ClassifySettings": "landcover.settings",
    "ClassArea": "mapping.area_table",
    "create_model": "models.registry",
    "list_models": "models.registry",
    "PairReport": "raster.checks.pair",
    "scene_from_array": "raster.readers.in_memory",
    "Scene": "raster.scene",
    "MapFiles": "report.maps",
    "Run": "runs.folder",
    "load_run": "runs.folder",
}
"""Of each public name the module that defines it; "" for a module of that name."""

__all__ = ["__version__", *_HOMES]

if not TYPE_CHECKING:
    # Hidden from type checkers: to them it would say that any name at all is there.
    __getattr__ = loader(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
