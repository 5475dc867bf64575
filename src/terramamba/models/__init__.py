"""The models, one file a paper; the registry that builds them by name; their weights as files."""

from terramamba.models.registry import create_model, list_models, model_spec
from terramamba.models.spec import ModelSpec
from terramamba.models.weights import SavedModel, load_model, save_model

__all__ = [
    "ModelSpec",
    "SavedModel",
    "create_model",
    "list_models",
    "load_model",
    "model_spec",
    "save_model",
]
