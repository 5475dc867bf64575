"""Bands of well-known satellites, known by the names of their files, or all together by their own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Satellite:
    """How a satellite's files of single bands are called, and the centres of its bands in nm.

    ``file`` matches the stem of a file name: group ``scene`` is what the bands of one scene share, ``band``
    is a key of ``nanometres``.
    """

    name: str
    file: re.Pattern[str]
    nanometres: Mapping[str, float]


@dataclass(frozen=True)
class BandFile:
    """The band that a file holds: the satellite, the scene, the band's usual name, and its centre in nm."""

    satellite: str
    scene: str
    band: str
    nanometres: float


_LANDSAT = r"_(?:SR_?|ST_?|TA|BT|toa_)?(?:B|band)"
_LANDSAT_BAND = r"[0-9]{1,2}"
_TM = {"1": 485.0, "2": 560.0, "3": 660.0, "4": 830.0, "5": 1650.0, "6": 11450.0, "7": 2215.0}
_ETM = _TM | {"4": 835.0, "7": 2220.0, "8": 710.0}
_OLI = {
    "1": 443.0,
    "2": 482.0,
    "3": 561.5,
    "4": 654.5,
    "5": 865.0,
    "6": 1608.5,
    "7": 2200.5,
    "8": 589.5,
    "9": 1373.5,
    "10": 10895.0,
    "11": 12005.0,
}
_MSI = {
    "01": 442.7,
    "02": 492.4,
    "03": 559.8,
    "04": 664.6,
    "05": 704.1,
    "06": 740.5,
    "07": 782.8,
    "08": 832.8,
    "8A": 864.7,
    "09": 945.1,
    "10": 1373.5,
    "11": 1613.7,
    "12": 2202.4,
}
_MSI_BAND = r"0?[1-9]|1[0-2]|0?8A"


def _satellite(name: str, scene: str, between: str, band: str, nanometres: Mapping[str, float]) -> Satellite:
    pattern = f"(?P<scene>{scene}){between}(?P<band>{band})(?:_[0-9]{{2}}m)?"
    return Satellite(name, re.compile(pattern, re.I), nanometres)


SATELLITES = (
    _satellite("Landsat 8/9", r"L[COT]0?[89]\w*?", _LANDSAT, _LANDSAT_BAND, _OLI),
    _satellite("Landsat 7", r"LE0?7\w*?", _LANDSAT, rf"{_LANDSAT_BAND}(?:_VCID_[12])?", _ETM),
    _satellite("Landsat 4/5", r"LT0?[45]\w*?", _LANDSAT, _LANDSAT_BAND, _TM),
    _satellite("Landsat 8/9 (HLS)", r"HLS\.L30\..*", r"\.B", _LANDSAT_BAND, _OLI),
    _satellite("Sentinel-2 (HLS)", r"HLS\.S30\..*", r"\.B", _MSI_BAND, _MSI),
    _satellite("Sentinel-2", r"(?:(?:L2A_)?T[0-9]{2}[A-Z]{3}|S2[A-D]|SENTINEL2).*", "_B", _MSI_BAND, _MSI),
)


def band_of_file(path: str | Path) -> BandFile | None:
    """Tell the band that a file of Landsat or Sentinel-2 holds by its name; None where that says none."""
    stem = Path(path).name.rsplit(".", 1)[0]
    for satellite in SATELLITES:
        match = satellite.file.fullmatch(stem)
        if match is None:
            continue
        band = match["band"].upper()
        number = band.partition("_")[0].lstrip("0")
        for key, nanometres in satellite.nanometres.items():
            if key.lstrip("0") == number:
                return BandFile(satellite.name, match["scene"], f"B{band}", nanometres)
    return None


def bands_of_one_scene(files: Sequence[str]) -> list[BandFile] | None:
    """Tell the bands that files hold by their names; None where one is not known, or of another scene."""
    known = [band for band in map(band_of_file, files) if band is not None]
    whole = len(known) == len(files) and len({(band.satellite, band.scene) for band in known}) == 1
    return known if whole and len({band.band for band in known}) == len(known) else None


def centres_of_names(names: Sequence[str]) -> tuple[float, ...] | None:
    """Return the centres in nm of bands called B1 to B12 with B8A among them, as Sentinel-2 alone has one.

    Words before and behind that all have do not matter, nor does the size of pixels. None for any others: B2,
    B3 and B4 are another colour each for Landsat.

    >>> centres_of_names(["B2", "B8", "B8A"])
    (492.4, 832.8, 864.7)
    >>> centres_of_names(["0_B02_10m", "0_B8A_20m"])
    (492.4, 864.7)
    >>> centres_of_names(["B2", "B3", "B4"])
    """
    matches = [re.fullmatch(f"B({_MSI_BAND})", name, re.I) for name in _without_common_words(names)]
    keys = [match[1].upper().lstrip("0").rjust(2, "0") for match in matches if match is not None]
    if len(keys) < len(names) or len(set(keys)) < len(keys) or "8A" not in keys:
        return None
    return tuple(_MSI[key] for key in keys)


def of_sentinel_2(centres: Sequence[float] | None) -> bool:
    """Tell whether bands have the centres in nm that Sentinel-2's names told."""
    return centres is not None and set(centres) <= set(_MSI.values())


def _without_common_words(names: Sequence[str]) -> list[str]:
    """Names without sizes of pixels, and without words that all begin or end with, as means of a year do."""
    words = [re.split(r"[_\s.-]+", re.sub(r"_[0-9]{2}m$", "", name.strip())) for name in names]
    shortest = min(map(len, words), default=0)
    first = next((i for i in range(shortest) if len({own[i] for own in words}) > 1), 0)
    last = next((i for i in range(shortest - first) if len({own[-1 - i] for own in words}) > 1), 0)
    return ["_".join(own[first : len(own) - last]) for own in words]


def names_note(names: Sequence[str]) -> str:
    """Say what ``centres_of_names`` took bands for."""
    return f"bands {names[0]} to {names[-1]}, with B8A, are taken for those of Sentinel-2"
