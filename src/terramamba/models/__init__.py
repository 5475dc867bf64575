"""The models, one file a paper; the registry that builds them by name; their weights as files.

Names are loaded when they are first used: a list of the models needs no PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from terramamba.models.registry import create_model, list_models, model_spec
    from terramamba.models.spec import ModelSpec
    from terramamba.models.weights import SavedModel, load_model, save_model
else:
    _HOMES = {
        "ModelSpec": "spec",
        "SavedModel": "weights",
        "create_model": "registry",
        "list_models": "registry",
        "load_model": "weights",
        "model_spec": "registry",
        "save_model": "weights",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'terramamba.models' has no attribute {name!r}")
        return getattr(import_module(f"terramamba.models.{_HOMES[name]}"), name)


__all__ = [
    "ModelSpec",
    "SavedModel",
    "create_model",
    "list_models",
    "load_model",
    "model_spec",
    "save_model",
]
