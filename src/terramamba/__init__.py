"""State-space (Mamba) models for Earth observation: land-cover maps and change maps from real images.

The public names are loaded when they are first used, so that importing the package stays quick.
"""

from importlib import import_module
from typing import Any

from terramamba._version import __version__

_HOMES = {
    "open_scene": "raster.scene",
    "check_pair": "raster.pair",
    "create_model": "models.registry",
    "list_models": "models.registry",
    "load_run": "runs",
    "ClassifySettings": "settings",
    "ChangeSettings": "settings",
    "train_classifier": "classify",
    "evaluate_classifier": "classify_evaluation",
    "train_change_detector": "change",
    "evaluate_change_detector": "change_evaluation",
    "map_classes": "inference",
    "map_change": "inference",
    "join_map": "inference",
    "InputError": "errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'terramamba' has no attribute {name!r}")
    return getattr(import_module(f"terramamba.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
