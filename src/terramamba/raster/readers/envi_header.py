"""The header of an ENVI file: which file it is of, and its text, of which GDAL hands on none but UTF-8."""

import re
from collections.abc import Sequence
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.raster.readers.datasets import is_address

ENVI_SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip")
"""How the data file beside an ENVI header may end."""
_ENTRY = re.compile(r"^[ \t]*([^=\n{}]+?)[ \t]*=[ \t]*(?:\n\s*(?=\{))?(\{[^}]*\}?|[^\n]*)", re.MULTILINE)
_OTHER_NAMES = {"wavelengths": "wavelength", "wavelength_unit": "wavelength_units", "bad_bands_list": "bbl"}


def header_entries(files: Sequence[str]) -> dict[str, str] | None:
    """Return the entries of the header among an image's ``files``, by names such as ``wavelength_units``.

    Text that is not UTF-8 is taken for Latin-1, in which µ is one byte. None where there is no header.
    """
    header = next((Path(file) for file in files if file.lower().endswith(".hdr")), None)
    if header is None or not header.is_file():
        return None
    raw = header.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    entries: dict[str, str] = {}
    for name, value in _ENTRY.findall(text.replace("\r\n", "\n").replace("\r", "\n")):
        plain = re.sub(r"\s+", "_", name.strip().lower())
        entries[_OTHER_NAMES.get(plain, plain)] = value.strip()
    return entries


def image_of_header(path: str) -> str:
    """Return the data file of an ENVI header that was given instead of it.

    Raises:
        InputError: the header stands alone.
    """
    if not path.lower().endswith(".hdr") or is_address(path):
        return path
    header = Path(path)
    stems = [header.with_suffix(suffix) for suffix in ENVI_SUFFIXES]
    found = [stem for stem in stems if stem.is_file()]
    if not found:
        raise InputError(f"{path}: a header whose data file {stems[0].name} is missing; give the data file")
    return str(found[0])


def wrong_header(path: str) -> Path | None:
    """Find the header of ENVI data that begins otherwise, as with the mark that editors put first."""
    data = Path(path)
    beside = (data.with_suffix(".hdr"), data.with_suffix(".HDR"), data.with_name(f"{data.name}.hdr"))
    header = next((one for one in beside if one != data and one.is_file()), None)
    if header is None:
        return None
    with header.open("rb") as file:
        begin = file.read(64)
    return None if begin.startswith(b"ENVI") or b"\0" in begin else header
