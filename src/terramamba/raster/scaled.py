"""A window of a scene as a model sees it: the bands it uses, scaled, with what has no data marked."""

import numpy as np
from jaxtyping import Bool, Float32

from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.scaling import Scaling


def read_scaled(
    scene: Scene, scaling: Scaling, window: Window
) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Scaled values of ``window``, which pixels are usable, and which have data that is no finite number.

    A pixel is usable when every band of ``scaling`` has data there and all of it is finite; the others hold
    the scaling's fill value.
    """
    values, valid = scene.read(window, scaling.bands)
    has_data = np.asarray(valid.all(axis=0))
    with np.errstate(invalid="ignore", over="ignore"):  # what overflows is told apart two lines below
        scaled = scaling.apply(values, has_data)
    finite = np.isfinite(scaled).all(axis=0)
    if not finite.all():
        scaled[:, ~finite] = np.array(scaling.fill, np.float32)[:, None]
    return scaled, has_data & finite, has_data & ~finite
