"""The header of an ENVI file, read as text: GDAL hands on no entry where one is not in UTF-8."""

import re
from collections.abc import Sequence
from pathlib import Path

_ENTRY = re.compile(r"^[ \t]*([^=\n{}]+?)[ \t]*=[ \t]*(?:\n\s*(?=\{))?(\{[^}]*\}?|[^\n]*)", re.MULTILINE)
_OTHER_NAMES = {"wavelengths": "wavelength", "wavelength_unit": "wavelength_units", "bad_bands_list": "bbl"}


def header_entries(files: Sequence[str]) -> dict[str, str] | None:
    """The entries of the header among the ``files`` of an image, by names such as ``wavelength_units``.

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
