"""State-space (Mamba) models for Earth observation: land-cover maps and change maps from real images.

The public names are loaded when they are first used, so that importing the package stays quick.
"""

from importlib import import_module
from typing import Any

from terramamba._version import __version__

_HOMES = {
    "open_scene": "raster.readers.open",
    "check_pair": "raster.checks.pair",
    "create_model": "models.registry",
    "list_models": "models.registry",
    "load_run": "runs.folder",
    "ClassifySettings": "landcover.settings",
    "ChangeSettings": "change.settings",
    "train_classifier": "api",
    "evaluate_classifier": "api",
    "train_change_detector": "api",
    "evaluate_change_detector": "api",
    "map_classes": "api",
    "map_change": "api",
    "join_map": "api",
    "InputError": "core.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'terramamba' has no attribute {name!r}")
    return getattr(import_module(f"terramamba.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
