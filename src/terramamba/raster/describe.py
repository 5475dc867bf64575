"""What a scene is, in words: the text of ``terramamba check``."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS

from terramamba.raster.area import why_not_measured
from terramamba.raster.grid import sample
from terramamba.raster.scene import Scene

LOOK_VALUES = 8_000_000
"""At most this many values are looked at for the range and the share without data."""


@dataclass(frozen=True)
class Statistics:
    """Range of valid values, share of pixels without data in some or in all bands.

    ``minimum`` and ``maximum`` are None where no value is valid. Bands without any data do not count for
    ``some_missing`` and are listed (0-based) in ``empty_bands``. ``seen`` is the share of the pixels that
    were looked at; the others are taken to be like them.
    """

    minimum: float | None
    maximum: float | None
    all_missing: float
    some_missing: float
    empty_bands: tuple[int, ...]
    not_finite: float
    seen: float


def look(scene: Scene) -> Statistics:
    """Estimate range and missing data from at most ``LOOK_VALUES`` values; exact for scenes with no more."""
    values, valid = glance(scene, tuple(range(scene.bands)), LOOK_VALUES)
    return _statistics(values, valid, values.shape[1] / scene.grid.window.pixels)


def glance(
    scene: Scene, bands: Sequence[int], most: int
) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    """At most ``most`` values of ``bands`` from all over the scene, or all there are, and which are data.

    Of larger scenes, overviews are read where the file has them, and else windows spread over the scene.
    """
    pixels = most // max(len(bands), 1)
    if scene.overviews:
        parts = [scene.preview(max(1, isqrt(pixels)), bands)]
    else:
        parts = [scene.read(window, bands) for window in sample(scene.height, scene.width, pixels)]
    values, valid = (
        np.concatenate([part[i].reshape(len(bands), -1) for part in parts], axis=1) for i in (0, 1)
    )
    return values, valid


def _statistics(
    values: Shaped[np.ndarray, "c n"], valid: Bool[np.ndarray, "c n"], share: float
) -> Statistics:
    seen = values[valid]
    finite = seen[np.isfinite(seen)]
    filled = valid.any(axis=1)
    present = valid[filled] if filled.any() else valid
    return Statistics(
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        all_missing=float(1 - valid.any(axis=0).mean()),
        some_missing=float(1 - present.all(axis=0).mean()),
        empty_bands=tuple(int(band) for band in np.flatnonzero(~filled)),
        not_finite=float(1 - finite.size / seen.size) if seen.size else 0.0,
        seen=share,
    )


def describe(scene: Scene) -> dict[str, str]:
    """What the scene is: one line of words for each property, in the order in which to print them.

    Looks at the pixels of small scenes, and at some of large ones. Raises ``InputError`` where the file is
    damaged.
    """
    found = look(scene)
    lines = {
        "file": scene.path,
        "format": scene.format,
        "size": f"{scene.height} rows x {scene.width} columns, {count(scene.bands, 'band')}",
        "values": f"{scene.dtype}, {value_range(found)}"
        + ("" if scene.scale is None else _scale(scene.scale)),
        "no data": _missing(scene, found),
        "coordinates": "none" if scene.crs is None else crs_name(scene.crs),
    }
    if scene.transform is not None:
        lines["pixel"] = pixel_size(scene.transform, scene.crs)
        lines["extent"] = _extent(scene)
    not_measured = why_not_measured(scene.grid)
    if not_measured is not None:
        lines["areas"] = f"in pixels: {not_measured}"
    if scene.wavelengths is not None:
        lines["wavelengths"] = f"{min(scene.wavelengths):.6g} to {max(scene.wavelengths):.6g} nm"
    if scene.fwhm is not None:
        lines["band widths"] = f"{min(scene.fwhm):.4g} to {max(scene.fwhm):.4g} nm at half maximum"
    bad = [i for i, is_bad in enumerate(scene.bad_bands) if is_bad]
    if bad:
        lines["bad bands"] = f"{numbers(bad)} (the header's bad-band list)"
    if found.empty_bands:
        lines["empty bands"] = f"{numbers(found.empty_bands)} (no valid pixel)"
    if found.not_finite:
        lines["not finite"] = f"{percent(found.not_finite)} of the valid values are NaN or infinite"
    if found.seen < 1:
        lines["looked at"] = f"{percent(found.seen)} of the pixels, spread over the scene"
    if scene.notes:
        lines["notes"] = "; ".join(scene.notes)
    return lines


def describe_text(scene: Scene) -> str:
    """The lines of ``describe``, one below the other."""
    lines = describe(scene)
    width = max(len(label) for label in lines)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in lines.items())


def value_range(found: Statistics) -> str:
    """The range of values in words."""
    if found.minimum is None or found.maximum is None:
        return "no valid value"
    return f"{found.minimum:.6g} to {found.maximum:.6g}"


def crs_name(crs: CRS) -> str:
    """A coordinate reference system as its code and name."""
    name = crs.to_wkt().split('"')[1]
    authority = crs.to_authority()
    return f"{':'.join(authority)} ({name})" if authority else name


def pixel_size(transform: Affine, crs: CRS | None) -> str:
    """Width and height of a pixel with their unit, and how far the rows are turned."""
    width, height = np.hypot(transform.a, transform.d), np.hypot(transform.b, transform.e)
    size = f"{width:.6g}" if np.isclose(width, height, rtol=1e-4) else f"{width:.6g} x {height:.6g}"
    text = f"{size} {_unit(crs, plural=size != '1')}"
    if transform.b or transform.d:
        text += f", rotated by {np.degrees(np.arctan2(transform.d, transform.a)):.4g} degrees"
    return text


def numbers(bands: Sequence[int]) -> str:
    """1-based band numbers with runs shortened: (0, 1, 2, 7) -> "1-3, 8"."""
    runs: list[list[int]] = []
    for band in bands:
        if runs and band == runs[-1][1] + 1:
            runs[-1][1] = band
        else:
            runs.append([band, band])
    return ", ".join(f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in runs)


def percent(share: float) -> str:
    """A share as a percentage; one that is small but not 0 does not read as 0."""
    return "less than 0.01 %" if 0 < share < 1e-4 else f"{100 * share:.4g} %"


def count(number: int, noun: str) -> str:
    """A number with its noun in the singular or plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _unit(crs: CRS | None, plural: bool) -> str:
    if crs is None:
        return "units" if plural else "unit"
    name = "degree" if crs.is_geographic else crs.linear_units.lower()
    name = {"meter": "metre", "meters": "metre", "unknown": "unit"}.get(name, name)
    return f"{name}s" if plural and not name.endswith(("s", "foot")) else name


def _extent(scene: Scene) -> str:
    corners = np.array(scene.grid.corners)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    return f"x {left:.10g} to {right:.10g}, y {bottom:.10g} to {top:.10g}"


def _missing(scene: Scene, found: Statistics) -> str:
    value = "no nodata value" if scene.nodata is None else f"nodata value {scene.nodata:g}"
    text = f"{value}; {percent(found.all_missing)} of the pixels have no data"
    if found.some_missing > found.all_missing:
        text += f", {percent(found.some_missing)} lack some bands"
    return text


def _scale(scale: float) -> str:
    return f"; physical value = value x {scale:g} (not applied)"
