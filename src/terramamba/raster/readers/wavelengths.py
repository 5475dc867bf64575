"""Wavelengths of bands, in nanometres, from the many places where files keep them."""

import re
from collections.abc import Mapping, Sequence

# What one unit is in nanometres. Units that are not lengths (band numbers, wavenumbers) give no wavelength.
_UNITS = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "um": 1000.0,
    "µm": 1000.0,
    "μm": 1000.0,
    "micron": 1000.0,
    "micrometer": 1000.0,
    "micrometre": 1000.0,
}
_IN_DESCRIPTION = re.compile(
    r"([0-9]+(?:\.[0-9]+)?)\s*(nm|[uµμ]m|nanomet(?:er|re)s?|micromet(?:er|re)s?|microns?)\b", re.I
)
# Without a unit, a number below this is taken for micrometres: optical sensors see from about 200 nanometres
# to about 15 micrometres.
_MICROMETRES_BELOW = 100.0
_SHORTEST_NM, _LONGEST_NM = 100.0, 1e5
"""What is outside is a number of a band, or of something else."""


def nanometres(value: str, unit: str = "") -> float | None:
    """Return ``value`` in nanometres; None where it is no positive number or ``unit`` is no length.

    A missing or ``unknown`` unit is inferred from the size of the number.
    """
    try:
        number = float(value)
    except ValueError:
        return None
    name = unit.strip().lower()
    if name in ("", "unknown"):
        factor: float | None = 1000.0 if number < _MICROMETRES_BELOW else 1.0
    else:
        factor = _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))
    if factor is None or not number > 0:
        return None
    return number * factor


def of_bands(values: Sequence[float], unit: str = "") -> tuple[float, ...] | None:
    """Return the wavelengths of all bands in nanometres; None where they cannot be those of an imager."""
    centres = [nanometres(str(value), unit) for value in values]
    known = tuple(w for w in centres if w is not None and _SHORTEST_NM <= w <= _LONGEST_NM)
    return known if len(known) == len(centres) and len(set(known)) == len(known) else None


def band_wavelength(tags: Mapping[str, str], imagery: Mapping[str, str], description: str) -> float | None:
    """Find the wavelength of one band in nanometres in its tags, its IMAGERY tags or its description.

    Descriptions such as ``band 1 (418.24 Nanometers)`` count only with a unit. None where nothing is known.
    """
    lower = {name.lower(): value for name, value in tags.items()}
    for name in ("wavelength", "central_wavelength", "center_wavelength", "wavelength_nm"):
        if name in lower:
            unit = lower.get(f"{name}_units", lower.get(f"{name}_unit", "nm" if name.endswith("_nm") else ""))
            return nanometres(lower[name], unit)
    if "CENTRAL_WAVELENGTH_UM" in imagery:
        return nanometres(imagery["CENTRAL_WAVELENGTH_UM"], "um")
    match = _IN_DESCRIPTION.search(description)
    return nanometres(match[1], match[2]) if match else None


def band_fwhm(tags: Mapping[str, str], imagery: Mapping[str, str]) -> float | None:
    """Find the width of one band at half maximum in nanometres in its tags; None where there is none.

    The tag ``fwhm`` has the unit of the wavelength beside it.
    """
    lower = {name.lower(): value for name, value in tags.items()}
    if "fwhm" in lower and "wavelength" in lower:
        return width_beside(lower["fwhm"], lower["wavelength"], band_wavelength(tags, {}, ""))
    return nanometres(imagery["FWHM_UM"], "um") if "FWHM_UM" in imagery else None


def width_beside(width: str, written: str, wavelength: float | None) -> float | None:
    """Return a width in nanometres; its unit is that in which ``wavelength`` (in nm) was ``written``."""
    try:
        return None if wavelength is None else float(width) * wavelength / float(written)
    except (ValueError, ZeroDivisionError):
        return None


def header_list(text: str) -> list[str]:
    """Split a list in an ENVI header, such as ``{0.48, 0.56}``, into its entries."""
    return [entry.strip() for entry in text.strip().strip("{}").split(",") if entry.strip()]
