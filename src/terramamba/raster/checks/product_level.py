"""How far a product was processed, by its name: with the air above the ground in it, or corrected for it.

Names are those that the owners give: MSIL1C and MSIL2A of Sentinel-2 (its product specification), LC08_L1TP
and LC08_L2SP of Landsat (Collection 2).
"""

import re
from collections.abc import Iterable
from typing import Literal

_NAMES = (
    re.compile(r"MSIL([12])[AC]_", re.IGNORECASE),
    re.compile(r"(?<![A-Z0-9])L[CEMOT]\d\d_L([12])(?:TP|GT|GS|SP|SR)_", re.IGNORECASE),
)
Level = Literal[1, 2]
LEVELS: dict[Level, str] = {1: "as seen from above the atmosphere", 2: "corrected to the ground"}


def level_in(path: str) -> Level | None:
    """Return the level that the name of a product in ``path`` says, the innermost first; None: none does.

    >>> level_in("S2A_MSIL2A_20200101T000000_N0500_R022_T32UPU_20200101T000000.SAFE/GRANULE/L2A_T32UPU")
    2
    >>> level_in("LC08_L1TP_195025_20200101_20200101_02_T1")
    1
    """
    found = [match for name in _NAMES for match in name.finditer(path)]
    if not found:
        return None
    return 1 if max(found, key=lambda match: match.start())[1] == "1" else 2


def common_level(paths: Iterable[str]) -> Level | None:
    """Return the level that all of ``paths`` say; None where one says none or another."""
    levels = {level_in(path) for path in paths}
    return levels.pop() if len(levels) == 1 else None


def other_level_note(path: str, trained: Level | None) -> str | None:
    """Say that an image is of another level than what a model was ``trained`` on, as far as is known."""
    level = level_in(path)
    if level is None or trained is None or level == trained:
        return None
    return (
        f"{path}: is of level {level} ({LEVELS[level]}), what the model was trained on of level {trained}"
        f" ({LEVELS[trained]}): the air between makes other values; give a product of level {trained}"
    )


def levels_note(first: str, second: str) -> str | None:
    """Say that two images are of unlike levels, by their paths; None where they are not known to be."""
    levels = [level_in(path) for path in (first, second)]
    if None in levels or levels[0] == levels[1]:
        return None
    said = " and ".join(f"level {level} ({LEVELS[level]})" for level in levels if level is not None)
    return (
        f"the dates are of {said}: the air between would count as change; take products of one level, or "
        "bring the light of one date to the other's with --match-radiometry"
    )
