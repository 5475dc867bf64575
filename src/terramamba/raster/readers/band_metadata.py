"""What the tags and headers of an image say of its bands: wavelengths, widths, bad bands, scale.

``image`` is an open dataset of rasterio, ``indexes`` are the 1-based bands that count, ``tags`` those of each
of them, and ``header`` the entries of an ENVI header.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from terramamba.raster.readers.band_names import (
    BandFile,
    bands_of_one_scene,
    centres_of_names,
    names_note,
)
from terramamba.raster.readers.envi_header import OTHER_NAMES
from terramamba.raster.readers.tiff_entries import bands_of_snap
from terramamba.raster.readers.vrt_parts import files_of_bands, tags_and_names_of_parts
from terramamba.raster.readers.wavelengths import (
    Centres,
    band_fwhm,
    header_list,
    nanometres,
    number_of,
    plausible_widths,
    settle_centres,
    widths_of,
    written_wavelength,
)

LEAST_RISING = 4
SHORTEST_SEEN = 300.0
"""Nanometres; numbers of bands and of days are seldom taken for longer ones."""
_LISTED = ("wavelength", "wavelength_units", "fwhm", "bbl")
_GOOD = frozenset({"true", "t", "yes", "y", "good", "ok"})
_BAD = frozenset({"false", "f", "no", "n", "bad"})


def tags_and_names(
    image: Any, indexes: Sequence[int], envi: dict[str, str] | None
) -> tuple[list[dict[str, str]], list[str]]:
    """Return the tags and names of the bands; ``envi`` are the entries of an ENVI header.

    What GDAL takes from a header that is not UTF-8 cannot be read through it, but is in ``envi`` too.
    """
    try:
        tags, descriptions = [image.tags(i) for i in indexes], image.descriptions
        names = [descriptions[i - 1] or "" for i in indexes]
        if image.driver == "VRT" and not any(names):
            return _of_parts(image, indexes, tags)
        snap = bands_of_snap(image.name, image.count) if image.driver == "GTiff" and not any(names) else []
        if snap:
            lengths = [snap[i - 1][1] for i in indexes]
            told = [{"wavelength": f"{length}", "wavelength_units": "nm"} for length in lengths]
            own = told if all(lengths) else [{} for _ in lengths]
            return [a | b for a, b in zip(own, tags, strict=True)], [snap[i - 1][0] for i in indexes]
        return tags, names
    except UnicodeDecodeError:
        if envi is None:
            raise
        named = header_list(envi.get("band_names", ""))
        return [{} for _ in indexes], [named[i - 1] if len(named) == image.count else "" for i in indexes]


def _of_parts(
    image: Any, indexes: Sequence[int], tags: list[dict[str, str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """Tags and names of the bands of a virtual raster, which has none itself, by the files that it shows."""
    files = files_of_bands(image, indexes)
    if files:
        known = bands_of_one_scene(files)
        return tags, [Path(file).stem for file in files] if known is None else [band.band for band in known]
    found = tags_and_names_of_parts(image, indexes)
    if found is None:
        return tags, [""] * len(indexes)
    return [part | own for part, own in zip(found[0], tags, strict=True)], found[1]


def header_notes(image: Any, header: dict[str, str], centres: Centres) -> list[str]:
    """Write sentences about lists of a header that cannot be used, and on what ``centres`` were taken for."""
    notes = []
    for entry in ("wavelength", "fwhm", "bbl"):
        listed = len(header_list(header.get(entry, ""), image.count))
        if listed not in (0, image.count):
            notes.append(f"its header lists {listed} entries of {entry} for {image.count} bands: not used")
    gains = [header_list(header.get(f"data_reflectance_{entry}_values", "")) for entry in ("gain", "offset")]
    if any({number_of(word) for word in one} - {plain} for one, plain in zip(gains, (1.0, 0.0), strict=True)):
        notes.append(
            "its header's data reflectance gain and offset values are not applied: values are as stored"
        )
    if centres.note is not None:
        notes.append(centres.note)
    if _all_bad(header_list(header.get("bbl", ""))):
        notes.append("its header's bbl calls all bands bad, so that it is not used")
    unclear = [word for word in header_list(header.get("bbl", "")) if _is_good(word) is None]
    if unclear:
        notes.append(f"its header's bbl holds {unclear[0]!r}, which is neither good nor bad: taken for good")
    return notes


def wavelengths(
    image: Any,
    indexes: Sequence[int],
    tags: Sequence[dict[str, str]],
    names: Sequence[str],
    header: dict[str, str],
) -> Centres:
    """Find the centres of the bands; those of an ENVI header count first."""
    listed = header_list(header.get("wavelength", ""), image.count)
    if len(listed) == image.count:
        return settle_centres([listed[i - 1] for i in indexes], header.get("wavelength_units", ""))
    if listed:
        return Centres()
    told = [
        written_wavelength(t, image.tags(i, ns="IMAGERY"), name)
        for i, t, name in zip(indexes, tags, names, strict=True)
    ]
    known = [one for one in told if one is not None]
    if not known and (bands := bands_of_one_scene(files_of_bands(image, indexes))):
        return Centres(tuple(band.nanometres for band in bands), _bands_note(bands))
    if not known and (centres := centres_of_names(names)) is not None:
        return Centres(centres, names_note(names))
    if len(known) < len(told):
        return Centres()
    if len({unit for _, unit in known}) == 1:
        return settle_centres([value for value, _ in known], known[0][1])
    centres = tuple(c for c in (nanometres(*one) for one in known) if c is not None)
    return Centres(centres if len(centres) == len(known) else None)


def _bands_note(bands: Sequence[BandFile]) -> str:
    return f"bands are called as their files are: {bands[0].band} to {bands[-1].band} of {bands[0].satellite}"


def ignored_value(header: dict[str, str], found: float | None) -> tuple[float | None, list[str]]:
    """Return the value that an ENVI header says is no data, of which GDAL ``found`` one, and notes.

    GDAL takes text for 0, and of several numbers the first.
    """
    written = header.get("data_ignore_value", "")
    plain = written.strip("{}\"' \t")
    numbers = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", plain)
    if len(numbers) > 1 and header_list(plain)[1:]:
        note = (
            f"its header's data ignore value is {written}, of which {numbers[0]} counts; --nodata names all"
        )
        return float(numbers[0]), [note]
    if found != 0 or not written or re.match(r"[-+.\d]", written):
        return found, []
    if numbers and re.match(r"[-+.\d]", plain):
        return float(numbers[0]), []
    return None, [f"its header's data ignore value is {written[:40]!r}, which is no number: not used"]


def turned_about(header: dict[str, str]) -> list[str]:
    """Note that a header turns an image by 180 degrees, which GDAL writes for rows from south to north."""
    angle = re.search(r"rotation\s*=\s*([-+.\d]+)", header.get("map_info", ""), re.I)
    if angle is None or abs(abs(number_of(angle[1]) or 0.0) - 180.0) > 1e-6:
        return []
    return [
        "its map info has rotation=180: read as rows from south to north, as GDAL writes them, not as turned"
    ]


def bare_numbers(names: Sequence[str], centres: Centres) -> list[str]:
    """Say that names of bands are numbers without a unit that may be wavelengths, which are not used then."""
    told = [number_of(name) for name in _unprefixed(names)]
    known = [number for number in told if number is not None]
    if centres.nanometres is not None or len(known) < max(len(told), LEAST_RISING):
        return []
    rising = all(b > a for a, b in pairwise(known))
    whole = all(number.is_integer() for number in known)
    counted = whole and (
        max(known) < SHORTEST_SEEN or (min(known) >= 1900 and max(known) <= 2100)
    )  # or years
    length = settle_centres([str(number) for number in known]).nanometres
    if not rising or counted or length is None or min(length) < SHORTEST_SEEN:
        return []
    return [
        f"names of bands are numbers from {names[0]} to {names[-1]} without a unit: not used as wavelengths; "
        f"name it with them, as in '{names[0]} nm', where they are"
    ]


def _unprefixed(names: Sequence[str]) -> list[str]:
    """The numbers of names: in brackets, or behind letters that all begin with, as R has them (X443.0)."""
    inside = [re.search(r"[(\[.]\s*(\d+(?:[.,]\d+)?)\s*[)\].]$", name.strip()) for name in names]
    if inside and all(inside):
        return [match[1] for match in inside if match is not None]
    found = [re.fullmatch(r"([A-Za-z]{1,10}[_ ]?)(\d.*)", name.strip()) for name in names]
    known = [match for match in found if match is not None]
    if len(known) < len(names) or len({match[1] for match in known}) != 1:
        return list(names)
    return [match[2] for match in known]


def listed_for_all(tags: Mapping[str, str]) -> dict[str, str]:
    """Return lists of wavelengths and the like among the tags of an image, as entries of an ENVI header."""
    entries = {name.strip().lower().replace(" ", "_"): text for name, text in tags.items()}
    entries = {OTHER_NAMES.get(name, name): text.strip("[]() ") for name, text in entries.items()}
    if "," not in entries.get("wavelength", ""):
        return {}
    return {name: entries[name] for name in _LISTED if name in entries}


def fwhm(
    image: Any,
    indexes: Sequence[int],
    tags: Sequence[dict[str, str]],
    header: dict[str, str],
    centres: Centres,
) -> tuple[tuple[float, ...] | None, list[str]]:
    """Find the widths of the bands at half maximum in nanometres, None unless all are known, and note why."""
    listed, widths = (header_list(header.get(name, ""), image.count) for name in ("wavelength", "fwhm"))
    if len(listed) == len(widths) == image.count:
        own = [number_of(widths[i - 1]) or 0.0 for i in indexes]
        written = [listed[i - 1] for i in indexes]
        found, doubt = widths_of(own, written, header.get("wavelength_units", ""))
        return found, [] if doubt is None else [doubt]
    told = [band_fwhm(t, image.tags(i, ns="IMAGERY")) for i, t in zip(indexes, tags, strict=True)]
    known = tuple(w for w in told if w is not None)
    if len(known) < len(told) or centres.nanometres is None:
        return None, []
    found, doubt = plausible_widths(known, centres.nanometres)
    return found, [] if doubt is None else [doubt]


def bad_bands(tags: Sequence[dict[str, str]], header: dict[str, str]) -> tuple[bool, ...]:
    """Tell which bands the header's bad-band list excludes; none where it excludes all."""
    listed = header_list(header.get("bbl", ""))
    if listed and (len(listed) != len(tags) or _all_bad(listed)):
        return (False,) * len(tags)
    if not listed:
        listed = [t.get("bbl", t.get("BBL", "1")) for t in tags]
    return tuple(_is_good(entry) is False for entry in listed)


def scale(header: dict[str, str]) -> float | None:
    """Find the factor from stored to physical values that an ENVI header names; None where it names none."""
    factor = _positive(header.get("reflectance_scale_factor", ""))
    return None if factor is None else 1.0 / factor


def whole_number(text: str) -> int:
    """Return the number that ``text`` begins with; 0 where it begins with none."""
    digits = re.match(r"\s*\d+", text)
    return int(digits[0]) if digits else 0


def _all_bad(listed: Sequence[str]) -> bool:
    return bool(listed) and all(_is_good(entry) is False for entry in listed)


def _is_good(entry: str) -> bool | None:
    """What an entry of a bad-band list says of its band; None where that is unclear."""
    word = entry.strip().strip("'\"").lower()
    if word in _GOOD or word in _BAD:
        return word in _GOOD
    try:
        return float(word) > 0
    except ValueError:
        return None


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 else None
