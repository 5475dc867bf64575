"""Images that lie beside those of a scene in its folder and are none of it, by their names."""

import re
from collections.abc import Sequence
from pathlib import Path

from terramamba.raster.views.quality_layers import is_quality_file

PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}
_WORLD_FILES = (".jgw", ".jpgw", ".pgw", ".pngw", ".bpw", ".wld", ".jpw")
_SHOWN = re.compile(
    r"(?:.*[_.\-])?(?:TCI|PVI|visual|preview|thumb(?:nail)?|overview|browse|quick-?look|ql(?:_\w+)?|icon)"
    r"(?:_[0-9]{2}m)?|(?:preview|icon|quicklook)_.*",
    re.I,
)
"""Pictures of a scene, in colours that were made to be looked at."""
_DERIVED = re.compile(
    r"(?:.*[_.])?(?:AOT|WVP|[SV][AZ]A|(?:sun|solar|view|sensor|satellite)_?(?:zenith|azimuth)(?:_angle)?"
    r"|(?:[a-z]+_?)?ma?sk)(?:_[0-9]{2}m)?",
    re.I,
)
"""Maps of aerosols, water vapour and angles, and masks."""
_REFERENCES = re.compile(r"(?:DARK|WHITE|WHITEDARK)REF_.*", re.I)
"""What a scanner saw of its shutter and of a white panel, beside a capture."""


def measured_among(images: Sequence[Path]) -> list[Path]:
    """Return those of ``images`` that belong to the scene; what would leave none counts as what is there."""
    kept = list(images)
    kept = [path for path in kept if not is_quality_file(path.name)] or kept
    kept = [path for path in kept if not _is_other(path)] or kept
    if any(path.suffix.lower() not in PICTURES for path in kept):
        kept = [path for path in kept if path.suffix.lower() not in PICTURES or _is_placed(path)]
    return kept


def _is_other(path: Path) -> bool:
    return any(name.fullmatch(path.stem) for name in (_SHOWN, _DERIVED, _REFERENCES))


def _is_placed(path: Path) -> bool:
    """Whether a picture has a file of its place beside it."""
    return any(path.with_suffix(end).is_file() for end in _WORLD_FILES) or Path(f"{path}.aux.xml").is_file()
