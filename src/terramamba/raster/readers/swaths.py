"""Products in the sensor's own geometry, which are known and refused with what to do.

Their pixels are where the sensor looked: a latitude and a longitude for each, and no grid. A map made of them
as they lie would show nothing where it is.
"""

from typing import NoReturn

import h5py

from terramamba.core.errors import InputError
from terramamba.raster.readers.format_record import Format, hdf5
from terramamba.raster.readers.hdf5 import opened

NAME = "swath of PACE OCI or Tanager"
_TANAGER = "HDFEOS/SWATHS/HYP"


def is_swath(path: str) -> bool:
    """Tell whether a file is one of these products."""
    return what_swath(path) is not None


def what_swath(path: str) -> tuple[str, str] | None:
    """Tell which product a file is, and what to give instead; None where it is none of these."""
    if not h5py.is_hdf5(path):
        return None
    with opened(path, "HDF5") as file:
        if _TANAGER in file:
            return (
                "a Tanager basic scene",
                "the ortho product of the same scene",
            )
        if "navigation_data" in file and ("geophysical_data" in file or "observation_data" in file):
            level = "level 2" if "geophysical_data" in file else "level 1B"
            return (
                f"an ocean-colour {level} granule (as of PACE OCI)",
                "the mapped level 3, or one mapped by l2bin and l3mapgen",
            )
    return None


def refuse_swath(path: str) -> NoReturn:
    """Refuse such a product; raises ``InputError``."""
    product, remedy = what_swath(path) or ("a swath", "a product on a map grid")
    raise InputError(
        f"{path}: is {product}: pixels as the sensor saw them, each with a latitude and a longitude, on no "
        f"map grid; give {remedy}"
    )


FORMAT = Format(
    name=NAME,
    known_by="HDF5 with swaths `HYP`, or with `navigation_data` beside `geophysical_data`",
    reads="nothing: refused",
    notes="Their pixels lie on no map grid: give a product that does, of Tanager the ortho one.",
    matches=hdf5(is_swath),
    reader=lambda path, options: refuse_swath(path),
)
