"""What the tags and headers of an image say of its bands: wavelengths, widths, bad bands, scale.

``image`` is an open dataset of rasterio, ``indexes`` are the 1-based bands that count, ``tags`` those of each
of them, and ``header`` the entries of an ENVI header.
"""

import re
from collections.abc import Sequence
from typing import Any

from terramamba.raster.readers.wavelengths import (
    band_fwhm,
    band_wavelength,
    header_list,
    nanometres,
    width_beside,
)


def wavelengths(
    image: Any, indexes: Sequence[int], tags: Sequence[dict[str, str]], header: dict[str, str]
) -> tuple[float, ...] | None:
    """Find the centres of the bands in nanometres; None unless all are known."""
    listed = header_list(header.get("wavelength", ""))
    if len(listed) == image.count:
        unit = header.get("wavelength_units", "")
        centres = [nanometres(listed[i - 1], unit) for i in indexes]
    else:
        centres = [
            band_wavelength(t, image.tags(i, ns="IMAGERY"), image.descriptions[i - 1] or "")
            for i, t in zip(indexes, tags, strict=True)
        ]
    known = tuple(w for w in centres if w is not None)
    return known if len(known) == len(indexes) else None


def fwhm(
    image: Any, indexes: Sequence[int], tags: Sequence[dict[str, str]], header: dict[str, str]
) -> tuple[float, ...] | None:
    """Find the widths of the bands at half maximum in nanometres; None unless all are known."""
    centres, widths = (header_list(header.get(name, "")) for name in ("wavelength", "fwhm"))
    if len(centres) == len(widths) == image.count:
        unit = header.get("wavelength_units", "")
        pairs = [(widths[i - 1], centres[i - 1]) for i in indexes]
        values = [width_beside(width, centre, nanometres(centre, unit)) for width, centre in pairs]
    else:
        values = [band_fwhm(t, image.tags(i, ns="IMAGERY")) for i, t in zip(indexes, tags, strict=True)]
    known = tuple(w for w in values if w is not None)
    return known if len(known) == len(indexes) else None


def bad_bands(tags: Sequence[dict[str, str]], header: dict[str, str]) -> tuple[bool, ...]:
    """Tell which bands the header's bad-band list excludes."""
    listed = header_list(header.get("bbl", ""))
    if len(listed) != len(tags):
        listed = [t.get("bbl", t.get("BBL", "1")) for t in tags]
    return tuple(_positive(entry) is None for entry in listed)


def scale(image: Any, indexes: Sequence[int], header: dict[str, str]) -> float | None:
    """Find the factor from stored to physical values; None where the file names none."""
    scales = {image.scales[i - 1] for i in indexes}
    if len(scales) == 1 and scales != {1.0}:
        return float(scales.pop())
    factor = _positive(header.get("reflectance_scale_factor", ""))
    return None if factor is None else 1.0 / factor


def whole_number(text: str) -> int:
    """Return the number that ``text`` begins with; 0 where it begins with none."""
    digits = re.match(r"\s*\d+", text)
    return int(digits[0]) if digits else 0


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 else None
