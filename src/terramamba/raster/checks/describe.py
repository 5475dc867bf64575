"""What a scene is, in words: the text of ``terramamba check``."""

import numpy as np

from terramamba.core.words import count, percent, ranges
from terramamba.raster.band_identity import known_names
from terramamba.raster.checks import byte_order
from terramamba.raster.geogrid import crs_name, pixel_size
from terramamba.raster.pixel_area import why_not_measured
from terramamba.raster.readers.wavelengths import band_wavelength
from terramamba.raster.sample_statistics import Statistics, sample_statistics
from terramamba.raster.scene import Scene

BANDS_SHOWN = 16
"""Bands that are listed; of more, so many at both ends together."""


def describe(scene: Scene) -> dict[str, str]:
    """Say what the scene is: one line of words for each property, in the order in which to print them.

    Reads the pixels of small scenes, and some of large ones.

    Raises:
        InputError: the file is damaged.
    """
    statistics = sample_statistics(scene)
    lines = {
        "file": scene.path,
        "format": scene.format,
        "size": f"{scene.height} rows x {scene.width} columns, {count(scene.bands, 'band')}",
        "values": f"{scene.dtype}, {range_in_words(statistics)}"
        + ("" if scene.scale is None else _scale(scene.scale)),
        **_declared(scene),
        "no data": _missing(scene, statistics),
        "coordinates": "none" if scene.crs is None else crs_name(scene.crs),
    }
    if scene.transform is not None:
        lines["pixel"] = pixel_size(scene.transform, scene.crs)
        lines["extent"] = _extent(scene)
    not_measured = why_not_measured(scene.grid)
    if not_measured is not None:
        lines["areas"] = f"in pixels: {not_measured}"
    if scene.alpha is not None:
        lines["transparency"] = scene.alpha.note
    if scene.palette is not None:
        colours = count(len(scene.palette), "colour")
        lines["palette"] = f"{colours}; a model sees red, green and blue, labels are the numbers"
    if known_names(scene) is not None or scene.wavelengths is not None:
        lines["bands"] = _bands(scene)
    if scene.wavelengths is not None:
        lines["wavelengths"] = f"{min(scene.wavelengths):.6g} to {max(scene.wavelengths):.6g} nm"
    if scene.fwhm is not None:
        lines["band widths"] = f"{min(scene.fwhm):.4g} to {max(scene.fwhm):.4g} nm at half maximum"
    bad = [i for i, is_bad in enumerate(scene.bad_bands) if is_bad]
    if bad:
        lines["bad bands"] = f"{ranges(bad)} (the header's bad-band list)"
    if statistics.empty_bands:
        lines["empty bands"] = f"{ranges(statistics.empty_bands)} (no valid pixel)"
    if statistics.not_finite:
        lines["not finite"] = f"{percent(statistics.not_finite)} of the valid values are NaN or infinite"
    if statistics.unlike:
        lines["units"] = "\n".join(statistics.unlike)
    if statistics.scaled is not None:
        lines["scaled"] = statistics.scaled
    if statistics.swapped:
        lines["byte order"] = byte_order.IN_WORDS
    if statistics.misread is not None:
        lines["layout"] = statistics.misread
    if statistics.fill:
        lines["probable fill"] = "\n".join(fill.in_words() for fill in statistics.fill)
    if statistics.wrapped is not None:
        lines["lost signs"] = statistics.wrapped.in_words()
    if statistics.sampled < 1 or len(statistics.bands) < scene.bands:
        lines["looked at"] = f"{percent(statistics.sampled)} of the pixels, spread over the scene"
    if len(statistics.bands) < scene.bands:
        lines["looked at"] += f", in {len(statistics.bands):,} of the bands"
    if scene.notes:
        lines["notes"] = "; ".join(scene.notes)
    return lines


def _bands(scene: Scene) -> str:
    """The number, name and wavelength of each band, of many the first and the last."""
    numbers = list(range(scene.bands))
    left_out = scene.bands > BANDS_SHOWN
    shown = [*numbers[: BANDS_SHOWN // 2], *numbers[-BANDS_SHOWN // 2 :]] if left_out else numbers
    named = known_names(scene) is not None
    words = []
    for band in shown:
        at = "" if scene.wavelengths is None else f"{scene.wavelengths[band]:.6g} nm"
        name = scene.band_names[band]
        told = scene.wavelengths is not None and band_wavelength({}, {}, name) is not None
        if not named or told:
            name = ""
        words.append(" ".join(part for part in (str(band + 1), name, at) if part))
    if left_out:
        words.insert(BANDS_SHOWN // 2, "...")
    return ", ".join(words)


def range_in_words(statistics: Statistics) -> str:
    """Say what the range of values is."""
    if statistics.minimum is None or statistics.maximum is None:
        return "no valid value"
    return f"{statistics.minimum:.6g} to {statistics.maximum:.6g}"


def _extent(scene: Scene) -> str:
    corners = np.array(scene.grid.corners)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    return f"x {left:.10g} to {right:.10g}, y {bottom:.10g} to {top:.10g}"


def _missing(scene: Scene, statistics: Statistics) -> str:
    value = "no nodata value" if scene.nodata is None else f"nodata value {scene.nodata:g}"
    text = f"{value}; {percent(statistics.all_missing)} of the pixels have no data"
    if statistics.some_missing > statistics.all_missing:
        text += f", {percent(statistics.some_missing)} lack some bands"
    return text


def _declared(scene: Scene) -> dict[str, str]:
    """What the file declares of its values, where that is not applied."""
    declared = scene.declared
    if declared is None or declared.applied:
        return {}
    return {
        "declared scale": f"physical value = value {declared.in_words()}: training takes physical values, a "
        "trained model those that it learnt"
    }


def _scale(scale: float) -> str:
    return f"; physical value = value x {scale:g} (not applied)"
