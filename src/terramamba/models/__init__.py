"""The models, one file a paper; the registry that builds them by name; their weights as files.

Names are loaded when they are first used: a list of the models needs no PyTorch.
"""

from typing import TYPE_CHECKING

from terramamba.core.lazy_names import loader

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

    __getattr__ = loader(__name__, _HOMES)


__all__ = [
    "ModelSpec",
    "SavedModel",
    "create_model",
    "list_models",
    "load_model",
    "model_spec",
    "save_model",
]
