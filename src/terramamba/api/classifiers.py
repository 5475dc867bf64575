"""Land-cover classifiers that are ready without a training run of one's own."""

from collections.abc import Sequence

from terramamba.api.in_memory import SceneLike, path_or_scene
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.landcover.pretrained import pretrained_run
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import open_alike
from terramamba.raster.views.nodata import require_held
from terramamba.runs.folder import Run
from terramamba.tasks import LAND_COVER
from terramamba.weights.registry import find_weights


def open_for_weights(
    scene: SceneLike, *, scene_variable: str | None = None, axes: str | None = None, bands: str | None = None
) -> Scene:
    """Open a scene; of a file, no pixel is read yet.

    Args:
        scene: The scene.
        scene_variable: Name of the array or image in a file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``.
        bands: Bands to use, such as "1-4" or "red,nir"; None: all.

    Raises:
        InputError: it cannot be read, or lacks a band.
    """
    (opened,) = open_alike([path_or_scene(scene, scene_variable, axes)], bands)
    return opened


@checked
def pretrained_classifier(
    scene: SceneLike,
    *,
    weights: str = "spectral-library",
    reflectance_scale: float | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
) -> Run:
    """Make weights that need no training ready for a scene, to be given to ``map_classes`` with that scene.

    Args:
        scene: Surface reflectance with wavelengths.
        weights: Name of weights that come with the package (`terramamba weights`), a folder of weights, or
            one on the hub (hf:ORG/NAME).
        reflectance_scale: Stored value of a reflectance of 1, such as 10000; None: found from the values.
        mask: Rasters (not 0) and files of polygons (inside) of what does not count.
        nodata: Values that are no data though the file does not say so.
        scene_variable: Name of the array or image in a file that holds several.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``.
        bands: Bands to use, such as "1-4" or "red,nir"; None: all.

    Raises:
        InputError: weights that are damaged or for another job, or a scene that is no surface reflectance or
            lacks wavelengths.
    """
    found = find_weights(weights, LAND_COVER.name)
    opened = open_for_weights(scene, scene_variable=scene_variable, axes=axes, bands=bands)
    values = tuple(float(value) for value in nodata or ())
    require_held([opened], values)
    return pretrained_run(found, opened, scale=reflectance_scale, mask=mask, nodata=values)
