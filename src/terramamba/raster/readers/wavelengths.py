"""Wavelengths of bands, in nanometres, from the many places where files keep them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# What one unit is in nanometres. Units that are not lengths (band numbers, wavenumbers) give no wavelength.
_UNITS = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "millimicron": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "μm": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "angstrom": 0.1,
    "ångström": 0.1,
    "ångstrom": 0.1,
    "å": 0.1,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "cm": 1e7,
    "centimeter": 1e7,
    "centimetre": 1e7,
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
}
_WAVENUMBERS = re.compile(r"wave ?numbers?|(1/|/ ?)cm|cm ?[-^*]+ ?1|cm⁻¹|kayser")
_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"
_UNIT = r"nm|[uµμ]m|nanomet(?:er|re)s?|micromet(?:er|re)s?|microns?"
_IN_DESCRIPTION = re.compile(rf"({_NUMBER})[\s.]*[(\[]?({_UNIT})\b", re.I)
"""R makes points of blanks and brackets: ``Band.1..420.24.Nanometers.``"""
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*({_UNIT})", re.I)
_FROM_TO = re.compile(rf"({_NUMBER})\s*(?:{_UNIT})?\s*(?:[-–—]|to|\.\.+)\s*({_NUMBER})\s*({_UNIT})\b", re.I)
_WIDTH = re.compile(rf"(?:fwhm|width)[\s:=]*{_NUMBER}\s*(?:{_UNIT})\b", re.I)
_NARROWEST = 0.5
"""A band that is named by its ends begins at this part of where it ends or later; else the first number is
that of the band, as in ``band 2 - 450 nm``."""
_GUESSES = ((1e-7, 1e-4, 1e9, "metres"), (0.1, 100.0, 1e3, "micrometres"), (100.0, 1e5, 1.0, "nanometres"))
"""Without a unit, wavelengths between the first two are in what the third is in nanometres: optical sensors
see from about 200 nanometres to about 15 micrometres."""
_MAYBE_ANGSTROMS = 3000.0
"""Numbers that all lie above may be of the thermal infrared in nanometres, or of light in angstroms."""
_NARROWEST_NM = 0.05
"""No imager's bands are all as narrow."""
_SHORTEST_NM, _LONGEST_NM = 100.0, 1e5
"""What is outside is a number of a band, or of something else."""


@dataclass(frozen=True)
class Centres:
    """Wavelengths of all bands in nanometres, None where they are not known; and what is to be said of it."""

    nanometres: tuple[float, ...] | None = None
    note: str | None = None


def settle_centres(values: Sequence[str | float], unit: str = "") -> Centres:
    """Decide what wavelengths of all bands are, written in ``unit``; without one their size tells it.

    That of a band for which 0 or no number is written, as for bands that were not recorded, is 0.
    """
    values, named = _without_units(values, unit.strip())
    numbers = [0.0 if str(value).strip().lower() == "nan" else number_of(str(value)) for value in values]
    known = [number for number in numbers if number is not None and number > 0]
    odd = [v for v, n in zip(values, numbers, strict=True) if n is None or n < 0 or (n == 0 and not known)]
    if not values or odd or 2 * len(known) < len(numbers):
        first = next(iter(odd), 0.0 if values else "nothing")
        return Centres(note=f"wavelengths are not used: {str(first)[:40]!r} among them is no length")
    span = f"{min(known):.6g} to {max(known):.6g}"
    if _WAVENUMBERS.fullmatch(named.lower()):
        return Centres(
            note=f"wavelengths are not used: {span} are wavenumbers ({named}); a wavelength in nanometres is "
            "10,000,000 divided by its number"
        )
    note, factor = None, _factor(named)
    if named.lower() in ("", "unknown"):
        guess = next((g for g in _GUESSES if g[0] <= min(known) and max(known) < g[1]), None)
        if guess is None or min(known) >= _MAYBE_ANGSTROMS:
            return Centres(note=f"wavelengths are not used: {span} have no unit, and their size tells none")
        factor, note = guess[2], f"wavelengths have no unit; {span} are taken for {guess[3]} by their size"
    if factor is None:
        return Centres(note=f"wavelengths are not used: their unit {named!r} is no length")
    lengths = tuple(number * factor for number in known)
    if min(lengths) < _SHORTEST_NM or max(lengths) > _LONGEST_NM:
        return Centres(note=f"wavelengths are not used: {span} {named} are none that an imager sees")
    if len(lengths) > 1 and len(set(lengths)) == 1:
        return Centres(
            note=f"wavelengths are not used: all {len(lengths)} bands have the same, {lengths[0]:.6g} nm"
        )
    return Centres(tuple((number or 0.0) * factor for number in numbers), note)


def _without_units(values: Sequence[str | float], unit: str) -> tuple[Sequence[str | float], str]:
    """The numbers of values that are written with one unit each, such as ``450 nm``, and that unit."""
    found = [_WITH_UNIT.fullmatch(value.strip()) for value in values if isinstance(value, str)]
    known = [one for one in found if one is not None]
    if len(known) < max(1, len(values)) or len({one[2].lower() for one in known}) > 1:
        return values, unit
    return [one[1] for one in known], known[0][2]


def number_of(text: str) -> float | None:
    """Read a number with a point or a comma for its decimals; None for other texts."""
    plain = text.strip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def nanometres(value: str, unit: str = "") -> float | None:
    """Return a length in nanometres; None where it is no positive number or ``unit`` is no length.

    Without a unit it is a wavelength, as ``settle_centres`` has it.
    """
    number, factor = number_of(value), _factor(unit.strip())
    if number is None or number <= 0:
        return None
    if factor is not None:
        return number * factor
    found = settle_centres([value], unit).nanometres
    return None if found is None else found[0]


def of_bands(values: Sequence[str | float], unit: str = "") -> Centres:
    """Decide what wavelengths of all bands are, as ``settle_centres``; two bands never have the same."""
    found = settle_centres(values, unit)
    lengths = [length for length in found.nanometres or () if length]
    if len(set(lengths)) < len(lengths):
        return Centres(note="wavelengths are not used: two bands have the same")
    return found


def widths_of(
    widths: Sequence[float], wavelengths: Sequence[str | float], unit: str = "", own_unit: str = ""
) -> tuple[tuple[float, ...] | None, str | None]:
    """Decide what widths of all bands at half maximum are in nanometres, and what is to be said of it.

    They have ``own_unit`` where that is a length, else the unit of the wavelengths beside them.
    """
    centres, factor = settle_centres(wavelengths, unit).nanometres, _factor(own_unit.strip())
    if centres is None or len(centres) != len(widths):
        return None, None
    if not all(0 < width < float("inf") for width, centre in zip(widths, centres, strict=True) if centre):
        return None, None
    widths = [width if centre else 0.0 for width, centre in zip(widths, centres, strict=True)]
    if factor is not None:
        found = tuple(float(width) * factor for width in widths)
    else:
        written = [number_of(str(value)) or 1.0 for value in _without_units(wavelengths, unit)[0]]
        found = tuple(float(w) * c / o for w, c, o in zip(widths, centres, written, strict=True))
    return plausible_widths(found, centres)


def plausible_widths(
    widths: tuple[float, ...], centres: Sequence[float]
) -> tuple[tuple[float, ...] | None, str | None]:
    """Return ``widths``, None with a note where no imager has such bands: often they have another unit."""
    if max(widths) >= _NARROWEST_NM and all(w <= c for w, c in zip(widths, centres, strict=True)):
        return widths, None
    span, of = f"{min(widths):.3g} to {max(widths):.3g} nm", f"{min(centres):.4g} to {max(centres):.4g} nm"
    return None, f"band widths are not used: {span} are none of bands at {of}"


def is_length_unit(unit: str) -> bool:
    """Tell whether a unit is one that wavelengths of light have."""
    return (_factor(unit.strip()) or 1e6) < 1e6


def _factor(unit: str) -> float | None:
    name = unit.lower()
    return _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))


def band_wavelength(tags: Mapping[str, str], imagery: Mapping[str, str], description: str) -> float | None:
    """Find the wavelength of one band in nanometres in its tags, its IMAGERY tags or its description.

    Descriptions such as ``band 1 (418.24 Nanometers)`` or ``Blue (0.45-0.51 um)`` count only with a unit.
    None where nothing is known.
    """
    found = written_wavelength(tags, imagery, description)
    return None if found is None else nanometres(*found)


def written_wavelength(
    tags: Mapping[str, str], imagery: Mapping[str, str], description: str
) -> tuple[str, str] | None:
    """Find the wavelength of one band and its unit as they are written, as for ``band_wavelength``."""
    lower = {name.lower(): value for name, value in tags.items()}
    for name in ("wavelength", "central_wavelength", "center_wavelength", "wavelength_nm"):
        if name in lower:
            unit = lower.get(f"{name}_units", lower.get(f"{name}_unit", "nm" if name.endswith("_nm") else ""))
            return lower[name], unit
    if "CENTRAL_WAVELENGTH_UM" in imagery:
        return imagery["CENTRAL_WAVELENGTH_UM"], "um"
    return _described(_WIDTH.sub("", description))


def _described(text: str) -> tuple[str, str] | None:
    """The wavelength in a description; the middle, where that names both ends of a band."""
    ends = _FROM_TO.search(text)
    low, high = (None, None) if ends is None else (number_of(ends[1]), number_of(ends[2]))
    if ends is not None and low is not None and high is not None and _NARROWEST * high <= low < high:
        return f"{(low + high) / 2:.10g}", ends[3]
    match = _IN_DESCRIPTION.search(text)
    return (match[1], match[2]) if match else None


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
    own, beside = number_of(width), number_of(written)
    return own * wavelength / beside if wavelength is not None and own is not None and beside else None


def header_list(text: str, bands: int | None = None) -> list[str]:
    """Split a list in an ENVI header, such as ``{0.48, 0.56}``, into its entries.

    Of ``bands`` numbers with decimal commas the commas stay inside: ``{400,5, 410,5}`` are two.
    """
    inner = text.strip().strip("{}").strip()
    if not inner:
        return []
    entries = [entry.strip() for entry in inner.split(",") if entry.strip()]
    if bands is None or len(entries) == bands:
        return entries
    spaced = [entry.strip(" ,") for entry in re.split(r";|,?\s+", inner) if entry.strip(" ,")]
    if len(spaced) == bands and all(re.fullmatch(r"\d+([.,]\d+)?", entry) for entry in spaced):
        return spaced
    if len(entries) == 2 * bands and all(map(str.isdecimal, entries)):
        joined = [",".join(pair) for pair in zip(entries[::2], entries[1::2], strict=True)]
        # as a list of single numbers it would jump up and down
        rises = [float(b) > float(a) for a, b in pairwise(entries)]
        if bands > 1 and not all(rises) and all(int(b) >= int(a) for a, b in pairwise(entries[::2])):
            return joined
    return entries
