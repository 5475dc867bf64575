"""How values stored in NetCDF and HDF5 become those that they stand for, and which of them are data.

Attributes of the variable say so: ``scale_factor`` and ``add_offset``, ``_FillValue`` and ``missing_value``,
``valid_range`` (NetCDF Users Guide, appendix A; CF 1.11, 2.5.1 and 8.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.readers.gdal_source import is_data
from terramamba.raster.readers.hdf5 import numbers
from terramamba.raster.readers.variables import Variable

_FILLS = {"i1": None, "i2": -32767.0, "u2": 65535.0, "i4": -2147483647.0, "f4": 9.969209968386869e36}
"""What NetCDF writes where nothing was written, and no other value is named."""
_OTHER_FILLS = ("dataignorevalue", "nodata", "nodatavalue", "fillvalue", "missingvalue")
"""Attributes that name no data in files of other conventions, in small letters and without signs between."""
_DIVISOR = 100.0
"""Whole numbers of reflectance are never so much or more each: they are divided, by 100 or 10,000."""
_FAR_BEYOND = 10.0
"""Ends of a valid range this many times beyond the largest stored number are not those of unpacked values."""


@dataclass(frozen=True)
class Packing:
    """How stored values become those of the scene, and which of them are data.

    ``low`` and ``high`` are stored values. ``scale`` and ``offset`` have one number, or one for each band.
    """

    stored: str
    fills: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: str, variable: Variable, bands: int) -> "Packing":
        """Read it from the attributes of a variable with so many bands.

        Raises:
            InputError: as many scales or offsets as there are no bands.
        """
        kind = np.dtype("u1") if variable.dtype.kind == "b" else variable.dtype.newbyteorder("=")
        unsigned = kind.kind == "i" and variable.words("_Unsigned").lower() == "true"
        if unsigned:
            kind = np.dtype(f"u{kind.itemsize}")  # the classic format has no unsigned types
        scale, offset = (
            _of_bands(path, variable, name, plain, bands)
            for name, plain in (("scale_factor", 1.0), ("add_offset", 0.0))
        )
        divides = _divides(variable, kind, scale, offset)
        said = (
            (f"its scale_factor of {max(scale):g} divides: reflectance is no larger than 1",)
            if divides
            else ()
        )
        scale = tuple(1 / one for one in scale) if divides else scale
        found = cls(str(kind), scale=scale, offset=offset)
        low, high, notes = _valid_range(variable, found)
        if unsigned:
            low, high = (end if end is None else _without_sign(end, kind) for end in (low, high))
        if low is not None and high is not None and low > high:
            low, high = high, low  # else nothing would be data
        return cls(str(kind), _fills(variable, kind), low, high, scale, offset, said + notes)

    @property
    def unpacks(self) -> bool:
        """Whether stored values are other numbers than those they stand for."""
        return any(scale != 1.0 for scale in self.scale) or any(self.offset)

    @property
    def dtype(self) -> str:
        """Type of the values of the scene."""
        if not self.unpacks:
            return self.stored
        return "float64" if np.dtype(self.stored).itemsize > 2 and self.stored != "float32" else "float32"

    @property
    def nodata(self) -> float | None:
        """What stands where there are no data."""
        return float("nan") if self.unpacks else next(iter(self.fills), None)

    def declared(self, bands: int) -> DeclaredScale | None:
        """Say what the file declares of each band, which is applied as it is read; None where nothing is."""
        if not self.unpacks:
            return None
        scales, offsets = (of * bands if len(of) == 1 else of for of in (self.scale, self.offset))
        return DeclaredScale(scales, offsets, self.stored, applied=True)

    def in_words(self) -> tuple[str, ...]:
        """Say what is done to stored values, in sentences."""
        ends = [
            f"{word} {end:g}" for word, end in (("below", self.low), ("above", self.high)) if end is not None
        ]
        notes = self.notes + (
            (f"stored values {' or '.join(ends)} are no data (its valid range)",) if ends else ()
        )
        if not self.unpacks:
            return notes
        scale, offset = (
            f"{min(of):g}" if min(of) == max(of) else f"{min(of):g} to {max(of):g} by band"
            for of in (self.scale, self.offset)
        )
        return (f"unpacked: stored value x {scale} + {offset}", *notes)

    def values(
        self, stored: Shaped[np.ndarray, "c h w"], bands: Sequence[int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Unpack values of ``bands`` (0-based), and tell which are data."""
        if np.dtype(self.stored).kind == "u" and stored.dtype.kind == "i":
            stored = stored.view(stored.dtype.str.replace("i", "u"))
        valid = np.ones(stored.shape, bool)
        for fill in self.fills:
            valid &= is_data(stored, fill)
        if self.low is not None:
            valid &= stored >= self.low
        if self.high is not None:
            valid &= stored <= self.high
        if not self.unpacks:
            return stored, valid
        scale, offset = (
            np.array(of if len(of) == 1 else [of[band] for band in bands], self.dtype)[:, None, None]
            for of in (self.scale, self.offset)
        )
        values = stored.astype(self.dtype) * scale
        values += offset
        values[~valid] = np.nan
        return values, valid


def _of_bands(path: str, variable: Variable, name: str, plain: float, bands: int) -> tuple[float, ...]:
    """An attribute of one number, or of one for each band."""
    found = _numbers(variable, name)
    if len(found) > 1 and len(found) != bands:
        raise InputError(
            f"{path}: {name} of {variable.name} has {len(found)} numbers for {bands} bands; unpack it first,"
            " or give it one number"
        )
    return tuple(found.tolist()) or (plain,)


def _divides(
    variable: Variable, kind: np.dtype[Any], scale: Sequence[float], offset: Sequence[float]
) -> bool:
    """Tell whether whole numbers of reflectance are to be divided by their scale, as some products mean it.

    Multiplied, as NetCDF has it, each would be more than all light.
    """
    told = " ".join([variable.name, *map(variable.words, ("long_name", "standard_name", "units"))]).lower()
    return "refl" in told and kind.kind in "iu" and min(scale) >= _DIVISOR and not any(offset)


def _fills(variable: Variable, kind: np.dtype[Any]) -> tuple[float, ...]:
    """The stored values that are no data."""
    fills = [*_numbers(variable, "_FillValue").tolist(), *_numbers(variable, "missing_value").tolist()]
    if not fills:
        for name in variable.attributes:
            if "".join(filter(str.isalpha, name.lower())) in _OTHER_FILLS:
                fills += _numbers(variable, name).tolist()
        usual = _FILLS.get(kind.str[1:]) if any(variable.axes) else None  # whatever others are called
        fills += [] if usual is None else [usual]
    return tuple(dict.fromkeys(_without_sign(v, kind) if kind.kind == "u" else v for v in fills))


def _without_sign(value: float, kind: np.dtype[Any]) -> float:
    """A number below 0 as a type without sign has it."""
    return value + 2.0 ** (8 * kind.itemsize) if value < 0 else value


def _valid_range(variable: Variable, packing: Packing) -> tuple[float | None, float | None, tuple[str, ...]]:
    """The least and the largest stored value that is data, and a note where unpacked ones were named instead.

    They are unpacked ones where their type is that of the scale, wider than that of the stored values. Some
    programs (netCDF4 for Python) write these, too, in the type of the stored values, which leaves one or two.
    """
    both = _numbers(variable, "valid_range")
    names = ["valid_range"] * 2 if len(both) == 2 else ["valid_min", "valid_max"]
    low, high = both.tolist() if len(both) == 2 else (variable.number(name) for name in names)
    wide = "f" in {np.asarray(variable.attributes.get(name, 0)).dtype.kind for name in names}
    narrow = low is not None and high is not None and 0 <= high - low <= 1
    kind, scale = np.dtype(packing.stored), packing.scale[0]
    one = len(packing.scale) == len(packing.offset) == 1
    if not (packing.unpacks and one and scale and kind.kind in "iu" and (wide or narrow)):
        return low, high, ()
    stored = [None if end is None else (end - packing.offset[0]) / scale for end in (low, high)]
    largest = max((abs(end) for end in stored if end is not None), default=0.0)
    if largest > _FAR_BEYOND * np.iinfo(kind).max:
        return low, high, ()
    # as float32 writes the ends, they are off by less than half of a stored step
    ends = [None if end is None else float(np.rint(end)) for end in (stored if scale > 0 else stored[::-1])]
    return ends[0], ends[1], ("its valid range is taken for that of unpacked values",)


def _numbers(variable: Variable, name: str) -> Float64[np.ndarray, " n"]:
    """All numbers of an attribute; none where it is not there, or is no list of numbers."""
    value = variable.attributes.get(name)
    try:
        return numbers([] if value is None else value)
    except (TypeError, ValueError):
        return numbers([])
