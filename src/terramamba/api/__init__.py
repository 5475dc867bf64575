"""The public functions: each looks up its job and hands it to the engine that does the work.

``terramamba`` itself names them, and is what users import.
"""

from terramamba.api.assessing import assess_map, sample_points
from terramamba.api.change_maps import map_change
from terramamba.api.class_maps import map_classes
from terramamba.api.classifiers import pretrained_classifier
from terramamba.api.detectors import pretrained_detector, untrained_detector
from terramamba.api.explanation_results import ExplainedChange, ExplainedClasses
from terramamba.api.explanations import explain_change, explain_classes
from terramamba.api.exporting import export_onnx
from terramamba.api.in_memory import open_scene
from terramamba.api.maps import check_pair, join_map
from terramamba.api.reports import run_experiment, write_report
from terramamba.api.results import ClassScores, EvaluationResult, Spread, TrainResult
from terramamba.api.training import (
    evaluate_change_detector,
    evaluate_classifier,
    plan_training,
    resolved,
    train_change_detector,
    train_classifier,
)

__all__ = [
    "ClassScores",
    "EvaluationResult",
    "ExplainedChange",
    "ExplainedClasses",
    "Spread",
    "TrainResult",
    "assess_map",
    "check_pair",
    "evaluate_change_detector",
    "evaluate_classifier",
    "explain_change",
    "explain_classes",
    "export_onnx",
    "join_map",
    "map_change",
    "map_classes",
    "open_scene",
    "plan_training",
    "pretrained_classifier",
    "pretrained_detector",
    "resolved",
    "run_experiment",
    "sample_points",
    "train_change_detector",
    "train_classifier",
    "untrained_detector",
    "write_report",
]
