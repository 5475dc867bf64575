"""A scene in the physical values that its file declares, or as its values are stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from terramamba.raster.declared_scale import DECLARED
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window


@dataclass(frozen=True)
class PhysicalSource:
    """Stored values times the scale of their band plus its offset; NaN where there is no data."""

    source: Source
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        stored, valid = self.source.read(window, bands, shape)
        scales, offsets = (np.array([of[band] for band in bands]) for of in (self.scales, self.offsets))
        values = stored * scales[:, None, None] + offsets[:, None, None]
        return np.where(valid, values, np.nan).astype(np.float32), valid


def physical(scene: Scene) -> Scene:
    """Return ``scene`` with the scale and offset that it declares applied; itself where it declares none."""
    declared = scene.declared
    if declared is None or declared.applied:
        return scene
    said = (
        f"{DECLARED} that the file declares are applied: values are those stored {declared.in_words()}; "
        "where that was done before, take it out of the file (gdal_edit.py -unsetscale -unsetoffset)"
    )
    return replace(
        scene,
        dtype="float32",
        source=PhysicalSource(scene.source, declared.scales, declared.offsets),
        nodata=None if scene.nodata is None else float("nan"),
        scale=None,
        declared=replace(declared, applied=True),
        notes=(*scene.notes, said),
    )


def in_units_of(scene: Scene, *, physical_values: bool, whose: str) -> Scene:
    """Return ``scene`` in the values that a model learnt: physical ones, or as they are stored.

    A note says what is not applied, or missing; ``whose`` names the model's run.
    """
    declared = scene.declared
    if physical_values and declared is None and np.dtype(scene.dtype).kind in "iu":
        said = (
            f"{DECLARED}: the file declares none, while {whose} learnt physical values of files that do: its "
            "values are taken for these (gdal_edit.py -scale -offset declares them)"
        )
        return scene if said in scene.notes else replace(scene, notes=(*scene.notes, said))
    if physical_values or declared is None or declared.applied:
        return physical(scene) if physical_values else scene
    said = (
        f"{DECLARED} that the file declares ({declared.in_words()}) are not applied: {whose} learnt values "
        "as they are stored"
    )
    return replace(scene, declared=None, notes=(*scene.notes, said))
