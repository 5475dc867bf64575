"""Pictures of results: what went in beside what came out, as one PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Integer, UInt8

from terramamba.core.files import atomic_path
from terramamba.data.labels.class_table import ClassTable
from terramamba.raster.notebook_pictures import coloured
from terramamba.raster.quicklook import colour_limits, false_colour
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.palette_colours import in_colours

PANEL_INCHES = 4.2


def picture_classification(
    path: str | Path,
    scene: str | Path,
    labels: str | Path,
    land_cover: str | Path,
    classes: ClassTable,
) -> None:
    """Save a PNG: the scene in false colour, the labels, the land-cover map, and a legend.

    ``labels`` and ``land_cover`` are rasters of the codes of ``classes``.
    """
    from matplotlib.patches import Patch

    image = in_colours(open_scene(scene))
    panels = {
        "scene (false colour)": false_colour(image),
        "labelled pixels": coloured(_values(labels), classes.colour_of_code),
        "land-cover map": coloured(_values(land_cover), classes.colour_of_code),
    }
    figure, _ = _panels(panels)
    handles = [
        Patch(color=_as_fractions(colour), label=classes.name_of_code[code])
        for code, colour in classes.colour_of_code.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 8), frameon=False)
    with atomic_path(Path(path)) as draft:
        figure.savefig(draft, dpi=120)


def picture_change(
    path: str | Path,
    before: str | Path,
    after: str | Path,
    changed: str | Path,
    *,
    truth: str | Path | None = None,
    polygons: str | Path | None = None,
) -> None:
    """Save a PNG: both dates, the truth where it is known, and the change map with its polygons outlined.

    With ``truth`` the map says what was found (green), missed (red) and falsely reported (yellow).
    ``polygons`` is a GeoPackage in the reference system of the images.
    """
    from matplotlib.patches import Patch

    first, second = in_colours(open_scene(before)), in_colours(open_scene(after))
    limits = colour_limits(first)
    outlined = "after" if polygons is None else "after, with the polygons"
    panels = {"before": false_colour(first, limits), outlined: false_colour(second, limits)}
    found = _values(changed)
    if truth is None:
        panels["change map"] = coloured(found, {0: (40, 40, 40), 1: (255, 255, 255)})
        legend = {"changed": (255, 255, 255)}
    else:
        real = _values(truth)
        panels["what really changed"] = coloured(real, {0: (40, 40, 40), 1: (255, 255, 255)})
        outcome = np.where(found > 1, 255, 2 * (real > 0) + (found == 1)).astype(np.uint8)
        legend = {"found": (90, 200, 110), "missed": (220, 70, 60), "false alarm": (245, 205, 70)}
        colours = dict(zip((3, 2, 1), legend.values(), strict=True))
        panels["change map"] = coloured(outcome, {0: (40, 40, 40), **colours})
    figure, axes = _panels(panels)
    if polygons is not None:
        for outline in _outlines(polygons, first):
            axes[1].plot(*outline, color=(1.0, 0.9, 0.2), linewidth=1.2)
    handles = [Patch(color=_as_fractions(colour), label=name) for name, colour in legend.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    with atomic_path(Path(path)) as draft:
        figure.savefig(draft, dpi=120)


def _as_fractions(colour: Sequence[int]) -> tuple[float, float, float]:
    red, green, blue = (value / 255 for value in colour)
    return red, green, blue


def _values(path: str | Path) -> Integer[np.ndarray, "h w"]:
    values, _ = open_scene(path).read(bands=[0])
    return values[0]


def _panels(pictures: Mapping[str, UInt8[np.ndarray, "h w rgb"]]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    height, width, _ = next(iter(pictures.values())).shape
    tall = PANEL_INCHES * height / width
    figure = Figure(figsize=(PANEL_INCHES * len(pictures), tall + 0.8), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for panel, (title, picture) in zip(axes, pictures.items(), strict=True):
        panel.imshow(picture, interpolation="nearest")
        panel.set_title(title)
        panel.set_xticks([])
        panel.set_yticks([])
    return figure, axes


def _outlines(path: str | Path, scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rings of the polygons in ``path``, in columns and rows of ``scene``."""
    import shapely
    from pyogrio.raw import read

    to_pixels = (
        np.eye(3) if scene.transform is None else np.linalg.inv(np.array(scene.transform).reshape(3, 3))
    )
    outlines = []
    for ring in shapely.get_rings(shapely.get_parts(shapely.from_wkb(read(path)[2]))):
        x, y = shapely.get_coordinates(ring).T
        cols, rows, _ = to_pixels @ np.stack([x, y, np.ones_like(x)])
        outlines.append((cols - 0.5, rows - 0.5))
    return outlines
