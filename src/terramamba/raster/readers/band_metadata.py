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

_GOOD = frozenset({"true", "t", "yes", "y", "good", "ok"})
_BAD = frozenset({"false", "f", "no", "n", "bad"})


def tags_and_names(
    image: Any, indexes: Sequence[int], envi: dict[str, str] | None
) -> tuple[list[dict[str, str]], list[str]]:
    """The tags and names of the bands; ``envi`` are the entries of an ENVI header.

    What GDAL takes from a header that is not UTF-8 cannot be read through it, but is in ``envi`` too.
    """
    try:
        return [image.tags(i) for i in indexes], [image.descriptions[i - 1] or "" for i in indexes]
    except UnicodeDecodeError:
        if envi is None:
            raise
        named = header_list(envi.get("band_names", ""))
        return [{} for _ in indexes], [named[i - 1] if len(named) == image.count else "" for i in indexes]


def header_notes(
    image: Any,
    indexes: Sequence[int],
    tags: Sequence[dict[str, str]],
    names: Sequence[str],
    header: dict[str, str],
) -> list[str]:
    """Sentences about lists of a header that cannot be used."""
    notes = []
    for entry in ("wavelength", "fwhm", "bbl"):
        listed = len(header_list(header.get(entry, "")))
        if listed not in (0, image.count):
            notes.append(f"its header lists {listed} entries of {entry} for {image.count} bands: not used")
        elif entry == "wavelength" and listed and wavelengths(image, indexes, tags, names, header) is None:
            unit = header.get("wavelength_units", "no unit")
            notes.append(
                f"its header's wavelengths are not used: their unit is {unit}, or some are no lengths"
            )
    unclear = [word for word in header_list(header.get("bbl", "")) if _is_good(word) is None]
    if unclear:
        notes.append(f"its header's bbl holds {unclear[0]!r}, which is neither good nor bad: taken for good")
    return notes


def wavelengths(
    image: Any,
    indexes: Sequence[int],
    tags: Sequence[dict[str, str]],
    names: Sequence[str],
    header: dict[str, str],
) -> tuple[float, ...] | None:
    """Find the centres of the bands in nanometres; None unless all are known."""
    listed = header_list(header.get("wavelength", ""))
    if len(listed) not in (0, image.count):
        return None
    if len(listed) == image.count:
        unit = header.get("wavelength_units", "")
        centres = [nanometres(listed[i - 1], unit) for i in indexes]
    else:
        centres = [
            band_wavelength(t, image.tags(i, ns="IMAGERY"), name)
            for i, t, name in zip(indexes, tags, names, strict=True)
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
    if listed and len(listed) != len(tags):
        return (False,) * len(tags)
    if not listed:
        listed = [t.get("bbl", t.get("BBL", "1")) for t in tags]
    return tuple(_is_good(entry) is False for entry in listed)


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


def _is_good(entry: str) -> bool | None:
    """What an entry of a bad-band list says of its band; None where that is unclear."""
    word = entry.strip().strip("'\"").lower()
    if word in _GOOD or word in _BAD:
        return word in _GOOD
    try:
        return float(word) > 0
    except ValueError:
        return None


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 else None
