"""Scenes and class maps in a notebook: small pictures, legends and tables in HTML, axes of matplotlib."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

from terramamba.raster.geogrid import Grid

PICTURE_SIDE = 256
"""Most pixels a side of a picture in a notebook."""
PLOT_SIDE = 1024
"""The same of a plot."""

FALSE_COLOUR_NM = (860.0, 660.0, 560.0)
"""Near infrared, red and green as red, green and blue: plants are red."""

PERCENTILES = (2.0, 98.0)
"""Values that become black and full colour."""

Colours = Mapping[int, tuple[int, ...]]
"""Red, green, blue (0..255) of values; what stands behind them is left out."""


def shown_bands(bands: int, wavelengths: Sequence[float] | None) -> list[int]:
    """Choose the bands (from 0) for red, green and blue: by wavelength where it is known, else the first."""
    if wavelengths is not None:
        known = np.array(wavelengths)
        return [int(np.abs(known - wanted).argmin()) for wanted in FALSE_COLOUR_NM]
    return [0, 1, 2] if bands >= 3 else [0, 0, 0]


def limits_of(
    values: Shaped[np.ndarray, "rgb h w"], valid: Bool[np.ndarray, "rgb h w"]
) -> Float[np.ndarray, "two rgb"]:
    """Choose the values that become black and full colour."""
    if values.dtype == np.uint8:  # made to be looked at as it is
        return np.array([[0.0] * 3, [255.0] * 3])
    bands = [band[usable].astype(np.float64) for band, usable in zip(values, valid, strict=True)]
    return np.stack([np.percentile(band, PERCENTILES) if band.size else (0.0, 1.0) for band in bands], axis=1)


def stretched(
    values: Shaped[np.ndarray, "rgb h w"],
    valid: Bool[np.ndarray, "rgb h w"],
    limits: Float[np.ndarray, "two rgb"],
) -> UInt8[np.ndarray, "h w rgb"]:
    """Make a picture of three bands; pixels without data are white."""
    low, high = limits
    levels = (values.transpose(1, 2, 0) - low) / np.maximum(high - low, 1e-12)
    picture = (255 * np.nan_to_num(levels).clip(0, 1)).astype(np.uint8)
    picture[~np.all(valid, axis=0)] = 255
    return picture


def coloured(values: Shaped[np.ndarray, "h w"], colours: Colours) -> UInt8[np.ndarray, "h w rgb"]:
    """Make a picture of classes in the ``colours`` of their values; others are white."""
    picture = np.full((*values.shape, 3), 255, np.uint8)
    for value, colour in colours.items():
        picture[values == value] = colour[:3]
    return picture


def shape_within(side: int, height: int, width: int) -> tuple[int, int]:
    """Choose rows and columns of an image thinned out, in its proportions, to at most ``side`` a side."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def picture_html(picture: UInt8[np.ndarray, "h w rgb"], title: str) -> str:
    """Write an image in HTML, which holds its PNG itself."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{data}">'


def picture_file_html(path: Path, side: int = PLOT_SIDE) -> str:
    """Write the picture in a file in HTML, smaller where it has more than ``side`` pixels a side."""
    from PIL import Image

    with Image.open(path) as image:
        image.thumbnail((side, side))
        return picture_html(np.asarray(image.convert("RGB")), path.stem.replace("_", " "))


def table_html(rows: Sequence[Sequence[Any]], heading: Sequence[str] = ()) -> str:
    """Write a table in HTML; all cells are text."""
    head = "".join(f"<th>{escape(str(cell))}</th>" for cell in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def legend_html(names: Mapping[int, str], colours: Colours) -> str:
    """Write the names of classes beside their colours."""
    lines = []
    for value, name in names.items():
        red, green, blue = colours.get(value, (255, 255, 255))[:3]
        swatch = f'<span style="background:rgb({red},{green},{blue})">&emsp;</span>'
        lines.append(f"<div>{swatch} {escape(name)}</div>")
    return "".join(lines)


def plot_picture(
    picture: UInt8[np.ndarray, "h w rgb"],
    grid: Grid,
    *,
    title: str,
    legend: Mapping[str, tuple[int, ...]] | None = None,
    ax: Any = None,
) -> Any:
    """Draw a picture of ``grid`` into ``ax``, or axes of its own; return the axes.

    They are in coordinates where the grid has some along its axes, else in pixels.
    """
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.figure().add_subplot()
    place = grid.transform
    if place is not None and not (place.b or place.d):
        left, top = place.c, place.f
        extent = (left, left + place.a * grid.width, top + place.e * grid.height, top)
        ax.imshow(picture, extent=extent, interpolation="nearest")
        ax.locator_params(nbins=3)  # coordinates are long numbers
        ax.ticklabel_format(useOffset=False, style="plain")
    else:
        extent = (0, grid.width, grid.height, 0)
        ax.imshow(picture, extent=extent, interpolation="nearest")
        ax.set(xlabel="column", ylabel="row")
    ax.set_title(title)
    if legend:
        from matplotlib.patches import Patch

        patches = [
            Patch(facecolor=(red / 255, green / 255, blue / 255), edgecolor="grey", label=name)
            for name, (red, green, blue, *_) in legend.items()
        ]
        ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1))
    return ax
