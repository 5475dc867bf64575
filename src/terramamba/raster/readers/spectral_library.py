"""ENVI spectral libraries, which hold spectra without places: known, and refused with what to do."""

from pathlib import Path
from typing import NoReturn

from terramamba.core.errors import InputError
from terramamba.raster.readers.envi_header import header_entries
from terramamba.raster.readers.format_record import Format, on_disk

NAME = "ENVI spectral library"


def is_library(path: str) -> bool:
    """Tell whether the header of an ENVI file, beside it or given itself, says that it holds spectra."""
    file = Path(path)
    if not file.is_file():
        return False
    beside = [Path(f"{path}.hdr"), file.with_suffix(".hdr")]
    headers = [file] if file.suffix.lower() == ".hdr" else [one for one in beside if one.is_file()]
    entries = header_entries([str(header) for header in headers[:1]]) or {}
    return entries.get("file_type", "").casefold() == NAME.casefold()


def refuse_library(path: str) -> NoReturn:
    """Refuse a spectral library; raises ``InputError``."""
    raise InputError(
        f"{path}: is a spectral library, spectra without places, which is not read; give a scene, and labels"
        " that lie on it"
    )


FORMAT = Format(
    name=NAME,
    known_by="`file type = ENVI Spectral Library` in the header `.hdr` of a `.sli` or `.esl`",
    reads="nothing: refused",
    notes="Spectra without places. So are those of EnMAP-Box in a GeoPackage: points that have a place "
    "are labels like others, their profiles are not read.",
    matches=on_disk(is_library),
    reader=lambda path, options: refuse_library(path),
)
