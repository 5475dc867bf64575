"""What determines a map, each thing in words and in a form that tells any two apart.

A run that goes on where another stopped must be the same run: the same model, scene and options, made by the
same versions.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import torch
from affine import Affine
from rasterio.crs import CRS
from torch import Tensor

from terramamba._version import __version__
from terramamba.core.file_states import NO_FILES, FileStates
from terramamba.core.options import Options, flag_of, identity
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run
from terramamba.runs.model_card import as_json

Facts = Mapping[str, tuple[str, str]]
"""For each thing what it is called on the command line, and what identifies it."""


def model_sha256(run: Run) -> str:
    """Return the SHA-256 of ``model.safetensors``; of the weights where the model was never saved."""
    return run.card.model.sha256 or _digest(run.model.state_dict())


def model_fact(run: Run) -> tuple[str, str]:
    """Identify the model with its card."""
    return f"the model in {run.folder}", _digest([model_sha256(run), as_json(run.card)])


def scene_fact(scene: Scene, states: FileStates = NO_FILES) -> tuple[str, str]:
    """Identify the scene: its grid, its source, sizes and dates of the files that this names, and ``states``,
    those of all its files.
    """
    grid = scene.grid
    pixels = [grid.height, grid.width, grid.crs, grid.transform]
    return f"the scene {scene.path}", _digest(
        [scene.path, scene.bands, scene.dtype, scene.nodata, pixels, scene.source, states.states]
    )


def version_fact() -> tuple[str, str]:
    """Identify this package and PyTorch."""
    words = f"terramamba {__version__} and PyTorch {torch.__version__}"
    return words, words


def option_facts(settings: Options) -> dict[str, tuple[str, str]]:
    """Identify all options that a map depends on, as they were given."""
    return {name: option_fact(flag_of(name), value) for name, value in identity(settings).items()}


def option_fact(flag: str, value: object) -> tuple[str, str]:
    """Identify an option as it was given; None, False and an empty list: not at all."""
    if isinstance(value, list):
        value = ",".join(map(str, value)) or None
    words = f"no {flag}" if value is None or value is False else flag if value is True else f"{flag} {value}"
    return words, words


def windows_fact(window: Window) -> tuple[str, str]:
    """Identify what a scene was cut into, of which ``window`` is the first."""
    words = f"windows of {window.height} x {window.width} pixels"
    return words, words


def first_difference(old: Mapping[str, Any], new: Facts) -> str | None:
    """Say how ``new`` differs from ``old``; None where it does not."""
    for key in dict.fromkeys([*new, *old]):
        before, now = (tuple(facts.get(key) or ("", "")) for facts in (old, new))
        if before != now:
            if before[0] == now[0]:
                return f"{now[0]} as it was then, and it has changed since"
            return f"{before[0] or 'other options'}, not {now[0] or 'these'}"
    return None


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(_identity(value), sort_keys=True).encode()).hexdigest()


def _identity(value: object) -> Any:
    """Return ``value`` in JSON, so that any two of one kind differ in it; files by size and date."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return repr(value)  # JSON has no NaN
    if isinstance(value, str | Path):
        return _with_stamp(str(value))
    if isinstance(value, Tensor):
        value = value.detach().cpu().contiguous()
        return [str(value.dtype), list(value.shape), _sha256(value.reshape(-1).view(torch.uint8).numpy())]
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, hex=True)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return _identity(value.tolist())
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), _sha256(np.ascontiguousarray(value))]
    if isinstance(value, np.generic):
        return [value.dtype.str, repr(value.item())]
    if isinstance(value, CRS):
        return value.to_wkt()
    if isinstance(value, Affine):
        return [repr(float(v)) for v in tuple(value)]
    if is_dataclass(value):
        kept = {field.name: _identity(getattr(value, field.name)) for field in fields(value)}
        return {type(value).__qualname__: kept}
    if isinstance(value, Mapping):
        return {str(key): _identity(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            _identity(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)
        ]
    if hasattr(value, "__dict__"):
        return {type(value).__qualname__: _identity(vars(value))}
    return repr(value)


def _with_stamp(text: str) -> Any:
    """Return ``text``; the path of a file in full, with its size and the time of its last change."""
    path = Path(text)
    try:
        status = path.stat() if path.is_file() else None
    except (OSError, ValueError):  # too long for a path, or with characters that no path has
        status = None
    return text if status is None else [str(path.absolute()), status.st_size, status.st_mtime_ns]


def _sha256(array: Any) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()
