"""Change detectors that are ready without a training run of one's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.api.in_memory import SceneLike, path_or_scene
from terramamba.change.pretrained import pretrained_run
from terramamba.change.untrained import untrained_run
from terramamba.core.arguments import checked
from terramamba.core.files import StrPath
from terramamba.data.settings import Align
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import open_alike
from terramamba.raster.views.nodata import require_held
from terramamba.raster.views.palette_colours import in_colours
from terramamba.raster.views.physical import physical
from terramamba.runs.folder import Run


def open_dates(
    before: SceneLike,
    after: SceneLike,
    *,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
) -> tuple[Scene, Scene]:
    """Open two dates alike, in the physical values that they declare; of files, no pixel is read yet.

    Args:
        before: The earlier image.
        after: The later image.
        scene_variable: Name of the array or image in files that hold several.
        axes: What the axes of bare arrays hold, such as ``rows,cols,bands``.
        bands: Bands to use of each, such as "1-4" or "red,nir"; None: all.

    Raises:
        InputError: one cannot be read, or lacks a band.
    """
    given = [path_or_scene(one, scene_variable, axes) for one in (before, after)]
    first, second = (physical(in_colours(date)) for date in open_alike(given, bands))
    return first, second


@checked
def pretrained_detector(weights: StrPath) -> Run:
    """Load pretrained weights, to be given to ``map_change`` in place of a run.

    Args:
        weights: Name of weights that come with the package (`terramamba weights` lists them), the folder of
            others or of a run, or either on the hub (hf:ORG/NAME).

    Raises:
        InputError: there are none, they are for another job, or damaged.
    """
    return pretrained_run(str(weights))


@checked
def untrained_detector(
    before: SceneLike,
    after: SceneLike,
    *,
    model: str = "ir_mad",
    options: Mapping[str, Any] | None = None,
    mask: Sequence[StrPath] = (),
    nodata: Sequence[float] | None = None,
    align: Align | None = None,
    correct_shift: bool = False,
    match_radiometry: bool = False,
    scene_variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
) -> Run:
    """Make a detector that needs no training ready for a pair, to be given to ``map_change`` with that pair.

    Args:
        before: The earlier image.
        after: The later image, on the same grid unless ``align`` is given.
        model: "cva", "pca_kmeans" or "ir_mad" (docs/pairs.md says which is for what).
        options: Of the detector, over its defaults.
        mask: Rasters (not 0) and files of polygons (inside) of what does not count.
        nodata: Values that are no data though the files do not say so.
        align: Warp the later image onto the grid of the earlier one, "bilinear" or "cubic".
        correct_shift: As it will be given to ``map_change``.
        match_radiometry: As it will be given to ``map_change``.
        scene_variable: Name of the array or image in files that hold several.
        axes: What the axes of bare arrays hold, such as ``rows,cols,bands``.
        bands: Bands to use of each, such as "1-4" or "red,nir"; None: all.

    Raises:
        InputError: a detector that has to be trained, an image that cannot be read, or two that make no pair.
    """
    dates = open_dates(before, after, scene_variable=scene_variable, axes=axes, bands=bands)
    values = tuple(float(value) for value in nodata or ())
    require_held(list(dates), values)
    return untrained_run(
        model,
        *dates,
        mask=mask,
        nodata=values,
        align=align,
        correct_shift=correct_shift,
        match_radiometry=match_radiometry,
        options=options,
    )
