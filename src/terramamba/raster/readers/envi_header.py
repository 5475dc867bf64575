"""The header of an ENVI file: which file it is of, and its text, of which GDAL hands on none but UTF-8."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from terramamba.core.errors import InputError
from terramamba.raster.readers.datasets import is_address

Interleave = Literal["bsq", "bil", "bip"]
INTERLEAVES: tuple[Interleave, ...] = ("bsq", "bil", "bip")
"""How bands lie in ENVI data: one after the other, line by line, pixel by pixel."""
ENVI_SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip")
"""How the data file beside an ENVI header usually ends; that of a scanner as .raw, .hyspex, or otherwise."""
_BESIDE = re.compile(
    r"\.(?:hdr|xml|txt|csv|json|log|jpe?g|png|bmp|tiff?|kml|prj|sta|stx|clr|ovr|enp|qml|wvl|zip|gz|nav|geo|roi"
    r"|sli)",
    re.I,
)
"""How files end that lie beside ENVI data and hold none."""
_ENTRY = re.compile(r"^[ \t]*([^=\n{}]+?)[ \t]*=[ \t]*(?:\n\s*(?=\{))?(\{[^}]*\}?|[^\n]*)", re.MULTILINE)
OTHER_NAMES = {"wavelengths": "wavelength", "wavelength_unit": "wavelength_units", "bad_bands_list": "bbl"}


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
        entries[OTHER_NAMES.get(plain, plain)] = value.strip()
    return entries


def interleave_of(header: Mapping[str, str]) -> Interleave | None:
    """Return the interleave that a header names, bsq where it names none; None for another word."""
    written = header.get("interleave", "bsq").strip().lower()
    return next((known for known in INTERLEAVES if written.startswith(known)), None)


def image_of_header(path: str) -> str:
    """Return the data file of an ENVI header that was given instead of it.

    Raises:
        InputError: the header stands alone.
    """
    if not path.lower().endswith(".hdr") or is_address(path):
        return path
    header = Path(path)
    found = _data_of(header)
    if len(found) != 1:
        what = "is missing" if not found else f"may be {' or '.join(file.name for file in found)}"
        raise InputError(f"{path}: a header whose data file {header.stem} {what}; give the data file")
    return str(found[0])


def is_data_of(header: Path, path: Path) -> bool:
    """Tell whether ``path`` is the data file of an ENVI header that is called like it but for the ending."""
    return _data_of(header) == [path]


def _data_of(header: Path) -> list[Path]:
    """The data file of a header: with a usual ending, else any but of what lies beside it; or several."""
    usual = [header.with_suffix(suffix) for suffix in ENVI_SUFFIXES]
    found = next(([file] for file in usual if file.is_file()), [])
    if found or not header.parent.is_dir():
        return found
    beside = [file for file in header.parent.iterdir() if file.stem == header.stem and file != header]
    return sorted(file for file in beside if file.is_file() and _BESIDE.fullmatch(file.suffix) is None)


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
