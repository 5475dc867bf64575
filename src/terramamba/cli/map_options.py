"""Flags that both ``map`` commands have."""

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from terramamba.data.settings import ImageArray

if TYPE_CHECKING:
    from terramamba.raster.scene import Scene


@dataclass(frozen=True, kw_only=True)
class MapFiles(ImageArray):
    """What is mapped, and to where."""

    out: str
    """Map to write, a .tif."""
    stac: list[str] | None = None
    """STAC items (.json files or addresses) to map in place of files."""


def arguments(options: MapFiles) -> dict[str, Any]:
    """Return ``options`` as the functions that map take them."""
    given = asdict(options)
    del given["stac"]
    return given | {"mask": given["mask"] or ()}


def note_unlike_training(folder: str, scene: "Scene") -> None:
    """Say where the values of ``scene`` cannot be in the units that the run in ``folder`` was trained on."""
    from terramamba.mapping.value_range import value_range_warning
    from terramamba.runs.folder import load_run

    said = value_range_warning(load_run(folder), scene)
    if said is not None:
        print(f"note: {said}", file=sys.stderr)
