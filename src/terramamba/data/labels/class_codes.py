"""Class codes as whole numbers from 0, and whether labels without a place fit their scene."""

from collections import Counter

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.scene import Scene

NO_CODE = -1
"""Stands for no data, NaN and numbers below 0 in an array of codes."""

ROUNDING = 1e-5
"""How far a code may lie off a whole number, as 1.0000001 does that went through a resampling."""


def counted(codes: Int64[np.ndarray, "..."]) -> Counter[int]:
    """Count each code from 0."""
    values, numbers = np.unique(codes[codes >= 0], return_counts=True)
    return Counter(dict(zip(values.tolist(), numbers.tolist(), strict=True)))


def is_whole(values: Shaped[np.ndarray, "..."]) -> bool:
    """Tell whether ``values`` are whole numbers or NaN."""
    return values.dtype.kind in "biu" or (values.dtype.kind == "f" and not _odd(values).any())


def _odd(values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Which numbers are not whole, as nearly as arithmetic leaves them; NaN says nothing."""
    with np.errstate(invalid="ignore"):
        return np.isinf(values) | (np.abs(values - np.rint(values)) > ROUNDING)


def as_codes(path: str, values: Shaped[np.ndarray, "h w"]) -> Int64[np.ndarray, "h w"]:
    """Return whole numbers, ``NO_CODE`` for NaN and numbers below 0; raise ``InputError`` for others."""
    if values.dtype.kind not in "biuf":
        what = "text" if values.dtype.kind in "US" else f"{values.dtype} values"
        raise InputError(f"{path}: holds {what} and no class codes; give whole numbers, and names apart")
    if not is_whole(values):
        odd = values[_odd(values)].flat[0]
        raise InputError(f"{path}: holds {odd:g}, which is no class code; labels are whole numbers")
    if values.dtype.kind == "f":
        values = np.rint(np.nan_to_num(values, nan=NO_CODE))
    return np.maximum(values.astype(np.int64), NO_CODE)


def require_size(path: str, shape: tuple[int, ...], scene: Scene) -> None:
    """Raise ``InputError`` where labels of ``shape`` have other pixels than ``scene``."""
    if shape != (scene.height, scene.width):
        size = " x ".join(str(length) for length in shape)
        raise InputError(
            f"{path}: labels of {size} pixels, but {scene.path} has {scene.height} x {scene.width}; "
            "give the labels of this scene"
        )


def require_upright(path: str, scene: Scene) -> None:
    """Raise ``InputError`` where labels without a place may lie either way round on ``scene``."""
    if scene.turned:
        raise InputError(
            f"{path}: labels without georeferencing may lie either way round on {scene.path}, which stores "
            "its rows from the south or its columns from the east; give labels with georeferencing"
        )
