"""How far a product was processed, by its name: with the air above the ground in it, or corrected for it.

Names are those that the owners give: MSIL1C and MSIL2A of Sentinel-2 (its product specification), LC08_L1TP
and LC08_L2SP of Landsat (Collection 2).
"""

import re

_NAMES = (
    re.compile(r"MSIL([12])[AC]_", re.IGNORECASE),
    re.compile(r"(?<![A-Z0-9])L[CEMOT]\d\d_L([12])(?:TP|GT|GS|SP|SR)_", re.IGNORECASE),
)
LEVELS = {1: "as seen from above the atmosphere", 2: "corrected to the ground"}


def level_in(path: str) -> int | None:
    """Return the level that the name of a product in ``path`` says, the innermost first; None: none does.

    >>> level_in("S2A_MSIL2A_20200101T000000_N0500_R022_T32UPU_20200101T000000.SAFE/GRANULE/L2A_T32UPU")
    2
    >>> level_in("LC08_L1TP_195025_20200101_20200101_02_T1")
    1
    """
    found = [match for name in _NAMES for match in name.finditer(path)]
    return int(max(found, key=lambda match: match.start())[1]) if found else None


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
