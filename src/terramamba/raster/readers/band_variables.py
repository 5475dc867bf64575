"""What a NetCDF or HDF5 file says of the bands of a variable: wavelengths, widths, names, which are bad.

Other variables hold it, of one value a band, or attributes of the variable itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from terramamba.raster.readers.band_names import centres_of_names, names_note
from terramamba.raster.readers.hdf5 import text
from terramamba.raster.readers.variables import Listing, Variable, load
from terramamba.raster.readers.wavelengths import (
    Centres,
    header_list,
    is_length_unit,
    of_bands,
    widths_of,
)

_WAVELENGTH_NAMES = ("wave", "wl", "wvl", "lambda")
_LISTS = ("wavelength", "wavelengths", "centerwavelength", "centerwavelengths", *_WAVELENGTH_NAMES)
"""Attributes that list wavelengths, in small letters and without signs between."""
_WIDTHS = ("fwhm", "bandwidth")
_NAMES_IN_ATTRIBUTES = ("band_names", "long_name", "descriptions")
"""Attributes that list the bands' names, one for each; ``long_name`` as rioxarray writes it."""
_NAMES_OF_BANDS = ("mask_bands", "band_names", "bands", "band")


@dataclass(frozen=True)
class Listed:
    """Wavelengths as they are written, and their unit."""

    values: list[float] | list[str]
    unit: str

    def settled(self) -> Centres:
        """Decide what they are in nanometres."""
        return of_bands(self.values, self.unit)


@dataclass(frozen=True)
class BandFacts:
    """What is known of the bands; wavelengths and widths in nanometres."""

    wavelengths: tuple[float, ...] | None = None
    fwhm: tuple[float, ...] | None = None
    bad_bands: tuple[bool, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def spectral_variables(listing: Listing) -> list[Variable]:
    """Find the variables that list wavelengths."""
    return [v for v in listing.variables.values() if _is_list(v) and _is_wavelength(v)]


def own_wavelengths(variable: Variable) -> tuple[Listed, ...]:
    """Return the wavelengths that an attribute of ``variable`` lists; none where none does."""
    plain = {"".join(filter(str.isalpha, name.lower())): name for name in variable.attributes}
    for name in _LISTS:
        if name not in plain:
            continue
        value = np.asarray(variable.attributes[plain[name]])
        unit = next((variable.words(plain[u]) for u in (f"{name}units", f"{name}unit") if u in plain), "")
        if value.dtype.kind in "iuf" and value.size > 1:
            return (Listed(value.astype(float).ravel().tolist(), unit),)
        if value.dtype.kind in "OSU":
            words = [text(word) for word in value.ravel()]
            words = header_list(words[0]) if len(words) == 1 else words
            return (Listed(words, unit),) if len(words) > 1 else ()
    return ()


def describe_bands(path: str, listing: Listing, variable: Variable, band: int | None) -> BandFacts:
    """Say what the file tells of the bands of ``variable``, which lie along its axis ``band``."""
    if band is None:
        return BandFacts()
    count, axis = variable.shape[band], variable.axes[band]
    lines = [v for v in listing.variables.values() if _is_list(v) and max(v.shape) == count]
    own = [v for v in lines if not axis or set(v.axes) <= {axis, ""}]
    listed = next((one for one in own_wavelengths(variable) if len(one.values) == count), None)
    found = sorted((v for v in own if _is_wavelength(v)), key=lambda v: v.name != axis)
    if found:
        listed = Listed(_values(path, found[0]), found[0].words("units"))
    names = _names(path, variable, count, axis, lines)
    if listed is not None:
        centres = listed.settled()
    else:
        by_names = centres_of_names(names) if names else None
        centres = Centres() if by_names is None else Centres(by_names, names_note(names))
    notes: tuple[str, ...] = () if centres.note is None else (centres.note,)
    of_numbers = {v.leaf.lower(): v for v in own if v.dtype.kind in "biuf"}
    fwhm = next((of_numbers[name] for name in _WIDTHS if name in of_numbers), None)
    widths = None
    if fwhm is not None and listed is not None:
        written = load(path, fwhm).astype(float).ravel().tolist()
        widths, doubt = widths_of(written, listed.values, listed.unit, fwhm.words("units"))
        notes += () if doubt is None else (doubt,)
    good = of_numbers.get("good_wavelengths", of_numbers.get("bbl"))
    return BandFacts(
        centres.nanometres,
        widths,
        () if good is None else tuple(bool(g == 0) for g in load(path, good).ravel()),
        names,
        notes,
    )


def _names(
    path: str, variable: Variable, count: int, axis: str, lines: Sequence[Variable]
) -> tuple[str, ...]:
    """The names of ``count`` bands along ``axis``, of one of ``lines`` or an attribute; else none."""
    words = [v for v in lines if v.dtype.kind in "OSU" and not _is_wavelength(v)]
    named = [v for v in words if (v.axes == (axis,) if axis else v.leaf in _NAMES_OF_BANDS)]
    if len(named) == 1:
        return tuple(text(name) for name in load(path, named[0]).ravel())
    for name in _NAMES_IN_ATTRIBUTES:
        value = np.asarray(variable.attributes.get(name, ""))
        if value.dtype.kind in "OSU" and value.size == count > 1:
            return tuple(text(word) for word in value.ravel())
    return ()


def _values(path: str, variable: Variable) -> list[float] | list[str]:
    """The entries of a list: numbers or texts."""
    found = load(path, variable).ravel()
    return [text(word) for word in found] if found.dtype.kind in "OSU" else found.astype(float).tolist()


def _is_list(variable: Variable) -> bool:
    """Whether a variable has one axis, but for others of length 1, and holds numbers or texts."""
    return variable.dtype.kind in "biufOSU" and prod(variable.shape) == max(variable.shape, default=0) > 1


def _is_wavelength(variable: Variable) -> bool:
    name = variable.leaf.lower()
    standard = variable.words("standard_name").endswith("radiation_wavelength")
    named = "wavelength" in name and "good" not in name
    by_unit = is_length_unit(variable.words("units")) and name not in _WIDTHS
    return standard or named or name in _WAVELENGTH_NAMES or by_unit
