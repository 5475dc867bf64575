"""Scenes in which values that no file declares are no data: ``--nodata VALUE``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.physical import PhysicalSource
from terramamba.raster.windows import Window

BEYOND_DATA = 1e20
"""No measurement is this large: values from here on are fill, and need not be given to the last digit."""
DIGITS_BEYOND = 1e-3
"""Relative difference up to which two such values are one: -3.4e38 is -3.4028235e38."""


def without_values(scene: Scene, values: Sequence[float]) -> Scene:
    """Return ``scene`` with ``values`` as no data, band by band, beside what its file declares.

    Values that the scene's type cannot hold are passed over; where declared scales are applied, ``values``
    are those that are stored. Reads no pixel.
    """
    stored = scene.source
    if isinstance(stored, PhysicalSource) and scene.declared is not None:
        inner = replace(scene, source=stored.source, dtype=scene.declared.stored, declared=None)
        filled = without_values(inner, values)
        return replace(scene, source=replace(stored, source=filled.source), notes=filled.notes)
    declared = scene.declared if scene.declared is not None and scene.declared.applied else None
    dtype = scene.dtype if declared is None else declared.stored
    held = tuple(value for value in values if can_hold(dtype, value))
    if not held:
        return scene
    note = f"--nodata {in_words(held)}: no data wherever a band has that value"
    source = FilledSource(scene.source, held, declared)
    return replace(scene, source=source, notes=(*scene.notes, note))


def require_held(scenes: Sequence[Scene], values: Sequence[float]) -> None:
    """Raise ``InputError`` where none of ``scenes`` can have any of ``values``."""
    stored = [scene.dtype if scene.declared is None else scene.declared.stored for scene in scenes]
    if not values or any(can_hold(dtype, value) for dtype in stored for value in values):
        return
    types = " and ".join(dict.fromkeys(stored))
    raise InputError(
        f"--nodata {in_words(values)}: {scenes[0].path} has values of the type {types}, none of which can be"
        " that; give the value that stands for no data in it (`terramamba check` names it), or leave the flag"
        " out"
    )


def can_hold(dtype: str, value: float) -> bool:
    """Tell whether pixels of this type can have ``value``."""
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        return True
    limits = np.iinfo(kind)
    return value == int(value) and limits.min <= value <= limits.max


def in_words(values: Sequence[float]) -> str:
    """Write ``values`` as the flag takes them, to the last digit that float32 has."""
    return ",".join(_shortest(value) for value in values)


def _shortest(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    exact = np.isfinite(narrow) and abs(float(narrow) - value) <= 1e-6 * abs(value)
    return str(narrow) if exact else repr(value)


def equal(values: Shaped[np.ndarray, "..."], value: float) -> Bool[np.ndarray, "..."]:
    """Tell which of ``values`` are ``value``, as their type has it."""
    if not can_hold(values.dtype.name, value):
        return np.zeros(values.shape, bool)
    if abs(value) >= BEYOND_DATA:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.abs(values - value) <= abs(value) * DIGITS_BEYOND)
    return np.asarray(values == values.dtype.type(value))


@dataclass(frozen=True)
class FilledSource:
    """Pixels of ``source``; those that have one of ``fill`` are not data.

    Where ``declared`` scales were applied, ``fill`` are values as they were stored.
    """

    source: Source
    fill: tuple[float, ...]
    declared: DeclaredScale | None = None

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values, valid = self.source.read(window, bands, shape)
        stored = values if self.declared is None else self.declared.as_stored(values, bands)
        rounded = (
            self.declared is not None
            and stored.dtype.kind == "f"
            and np.dtype(self.declared.stored).kind == "f"
        )
        for value in self.fill:
            same = np.isclose(stored, value, rtol=1e-5, atol=1e-6) if rounded else equal(stored, value)
            valid = valid & ~same
        return values, valid
