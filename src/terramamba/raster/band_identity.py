"""What a band is called and where it lies in the spectrum: what tells one band from another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.raster.scene import Scene

_NUMBERED = re.compile(r"(band|b[aä]nd|channel|layer)?[\s_#.-]*(\d+)", re.I)
"""Names that only count: ``band 3``, ``Band_3``, ``3``."""
_SEPARATOR = re.compile(r"[\s_.\-]+")


def plain_names(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return names as they are compared; None where they only count, are not unique, or there is one alone.

    Capitals do not matter, nor does what all names begin or end with:

    >>> plain_names(["T33UUP_20190101_B02", "T33UUP_20190101_B03"])
    ('b02', 'b03')
    >>> plain_names(["Red", "Green", "band 3"])
    ('red', 'green', 'band 3')
    >>> plain_names(["band 1", "band 2"]) is None
    True
    >>> plain_names(["Band_4", "Band_3"])
    ('4', '3')
    """
    if len(names) < 2 or _only_count(names):
        return None
    parts = [[part for part in _SEPARATOR.split(name.strip().casefold()) if part] for name in names]
    shortest = min(map(len, parts))
    before = 0
    while before < shortest and len({part[before] for part in parts}) == 1:
        before += 1
    after = 0
    while after < shortest - before and len({part[-1 - after] for part in parts}) == 1:
        after += 1
    plain = tuple(" ".join(part[before : len(part) - after]) for part in parts)
    return plain if len(set(plain)) == len(plain) and all(plain) else None


def _only_count(names: Sequence[str]) -> bool:
    """Whether names are numbers; those of bands in another order, or of some alone, tell which they are.

    Names that this package gives (``band 3``) do not, nor do numbers without a word.
    """
    found = [_NUMBERED.fullmatch(name.strip()) for name in names]
    numbers = [int(match[2]) for match in found if match is not None]
    if len(numbers) < len(names):
        return False
    told = all(match is not None and match[1] for match in found)
    given = all(name == f"band {number}" for name, number in zip(names, numbers, strict=True))
    return given or not told or numbers in (list(range(len(names))), list(range(1, len(names) + 1)))


def known_names(scene: Scene) -> tuple[str, ...] | None:
    """Return the names of the bands of ``scene`` where they tell bands apart."""
    return None if plain_names(scene.band_names) is None else scene.band_names


@dataclass(frozen=True)
class WantedBands:
    """The bands of images that others must have too: those a model was trained on, or those of another date.

    ``whose`` has them, as it stands in messages ("the model in run was trained on"). Of ``count`` bands those
    ``used`` (0-based) must be there. ``names``, ``wavelengths`` and widths at half maximum ``fwhm`` (nm) are
    those of all of them, None where they are not known.
    """

    whose: str
    count: int
    used: tuple[int, ...]
    names: tuple[str, ...] | None = None
    wavelengths: tuple[float, ...] | None = None
    fwhm: tuple[float, ...] | None = None


def bands_of(scene: Scene, used: Sequence[int] | None = None) -> WantedBands:
    """Return the bands of ``scene``, all or those ``used``, as others must have them."""
    return WantedBands(
        f"{scene.path} has",
        scene.bands,
        tuple(range(scene.bands)) if used is None else tuple(used),
        known_names(scene),
        scene.wavelengths,
        scene.fwhm,
    )
