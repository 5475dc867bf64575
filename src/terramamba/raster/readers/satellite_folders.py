"""Folders in which Sentinel-2 and Landsat deliver the bands of a scene, and the files that describe them."""

import re
from pathlib import Path

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError

BANDS = ("GRANULE/*/IMG_DATA", "*/IMG_DATA", "IMG_DATA")
"""Where the bands of a Sentinel-2 product lie, seen from its folder, GRANULE, and the granule in that."""
PIXEL_SIZES = ("R10m", "R20m", "R60m")
"""Folders in IMG_DATA in which products of level L2A have them."""
DESCRIPTIONS = ("MTD_MSIL*.xml", "*_MTL.txt", "*_MTL.xml", "*.dim")
"""Names of files that describe the scene whose bands lie beside them or below; `.dim` is SNAP's."""

_OFFSET = re.compile(r"<(?:BOA|RADIO)_ADD_OFFSET[^>]*>\s*(-?[0-9.]+)\s*<")
"""What must be added to the values of a Sentinel-2 product (levels L2A, L1C) to have reflectance x 10,000."""
_BASELINE = re.compile(r"S2[A-D]_MSIL(?:1C|2A)_\w+?_N(?P<baseline>[0-9]{4})_")
_FIRST_WITH_OFFSET, _USUAL_OFFSET = 400, -1000.0
"""Processing baseline 04.00, and its offset."""
_LEVELS_UP = 5
"""Folders from that of 20 m bands up to the product, both counted."""


def sentinel_files(folder: Path) -> list[Path]:
    """List the images of a Sentinel-2 product in its folder, or one inside of it; none for other folders."""
    places = [folder] if any((folder / size).is_dir() for size in PIXEL_SIZES) else []
    for pattern in BANDS:
        places = places or list(folder.glob(pattern))
    return sorted(file for place in places for file in place.glob("**/*.jp2"))


def sentinel_offset(folder: Path) -> list[str]:
    """Note where a Sentinel-2 product, by its metadata or else by its name, has values that are shifted."""
    for place in [folder, *folder.absolute().parents][:_LEVELS_UP]:
        texts = [read_text(file, "fetch it again", errors="replace") for file in place.glob("MTD_MSIL*.xml")]
        named = _BASELINE.match(place.absolute().name)
        if texts or named is not None:
            break
    else:
        return []
    offsets = {float(number) for text in texts for number in _OFFSET.findall(text)} - {0.0}
    if not texts and named is not None and int(named["baseline"]) >= _FIRST_WITH_OFFSET:
        offsets = {_USUAL_OFFSET}
    return [
        f"the product's offset of {offset:g} is not applied: products of processing baselines below 04.00 "
        "have none, so dates from before and after do not compare as they are"
        for offset in sorted(offsets)
    ]


def is_description(path: str) -> bool:
    """Tell whether a file describes the scene whose bands lie in its folder."""
    file = Path(path)
    return file.is_file() and any(file.match(name) for name in DESCRIPTIONS)


def described_folder(path: str) -> Path:
    """Return the folder with the bands of the scene that a file describes.

    Raises:
        InputError: SNAP's folder of bands is not beside its file.
    """
    file = Path(path)
    if file.suffix != ".dim":
        return file.parent
    folder = file.with_suffix(".data")
    if not folder.is_dir():
        raise InputError(
            f"{path}: its bands lie in {folder.name}, which is not beside it; fetch that folder, too"
        )
    return folder
