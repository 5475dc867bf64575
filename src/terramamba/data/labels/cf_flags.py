"""Names of classes as the conventions for NetCDF (CF) write them: ``flag_values`` beside ``flag_meanings``.

flag_values = 10, 20                 10 is "cropland rainfed", 20 "grassland"; colours may stand beside them
flag_meanings = "cropland_rainfed grassland"
flag_colors = "#ffff64 #ffb432"
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from terramamba.data.labels.palette import Colour
from terramamba.raster.readers.hdf5 import numbers, text
from terramamba.raster.readers.netcdf import NetcdfSource
from terramamba.raster.readers.variables import list_variables

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.I)


def read_cf_flags(source: NetcdfSource) -> tuple[dict[int, str], dict[int, Colour]]:
    """Read names and colours of the codes of a NetCDF variable; none where it has none, or where bits count.

    Raises:
        InputError: the file is damaged.
    """
    attributes = list_variables(source.path).variables[source.name].attributes
    values, meanings = attributes.get("flag_values"), _words(attributes, "flag_meanings")
    if values is None or "flag_masks" in attributes:
        return {}, {}
    try:
        listed = re.findall(r"-?\d+", text(values)) if np.asarray(values).dtype.kind in "SUO" else values
        codes = [int(code) for code in numbers(listed)]
    except (TypeError, ValueError):
        return {}, {}
    unsigned = np.dtype(source.packing.stored)
    if unsigned.kind == "u":  # which the classic format has no types for
        codes = [code % (1 << 8 * unsigned.itemsize) for code in codes]
    if len(codes) != len(meanings):
        return {}, {}
    names = {code: name.replace("_", " ") for code, name in zip(codes, meanings, strict=True)}
    colours = _words(attributes, "flag_colors")
    if len(colours) != len(codes) or not all(map(_COLOUR.fullmatch, colours)):
        return names, {}
    parts = [(int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:], 16)) for colour in colours]
    return names, dict(zip(codes, parts, strict=True))


def _words(attributes: Mapping[str, Any], name: str) -> list[str]:
    """The words of an attribute: of one text, or of an array of texts."""
    value = attributes.get(name)
    if value is None:
        return []
    texts = [text(one) for one in np.atleast_1d(np.asarray(value, object)).ravel()]
    return texts if len(texts) > 1 else re.split(r"[\s,]+", texts[0].strip()) if texts else []
