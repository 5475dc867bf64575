"""The models, one file a paper, and the registry that builds, saves and loads them by name."""

from terramamba.models.registry import create_model, list_models, load_model, model_spec, save_model
from terramamba.models.spec import ModelSpec

__all__ = ["ModelSpec", "create_model", "list_models", "load_model", "model_spec", "save_model"]
