"""Flags that both ``map`` commands have."""

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from terramamba.raster.scene import Scene


@dataclass(frozen=True, kw_only=True)
class SharedMapOptions:
    """What is written, on what, and who does the work."""

    out: str
    """Map to write, a .tif."""
    probabilities: str | None = None
    """Also write probabilities to this .tif."""
    areas: str | None = None
    """Also write how much there is of each class to this .csv."""
    mask: list[str] | None = None
    """Rasters of clouds or other pixels not to be mapped (not 0), on the same grid or georeferenced on any; a
    mask's own no data, and what lies outside it, is not masked."""
    stac: list[str] | None = None
    """STAC items (.json files or addresses) to map in place of files."""
    calibrated: bool = False
    """Divide logits by the temperature that was fitted on the run's validation samples, so that probabilities
    come nearer to how often they come true; classes, and what the run's own threshold marks, stay."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps, or auto: a GPU when there is one."""
    precision: Literal["32", "bf16"] = "32"
    """Arithmetic of the matrix products."""
    workers: int = 1
    """Processes that share the work, and the cores; each takes a GPU of its own where there are several."""
    dask: str | None = None
    """Scheduler of a Dask cluster that does the work, such as tcp://10.0.0.1:8786; its workers must see the
    same files under the same paths."""
    shard: str | None = None
    """i/n: do every n-th part of the work from the i-th on, and stop; when all n are done, `terramamba join
    MAP.tif` writes the map. All must see the same files under the same paths."""
    overwrite: bool = False
    """Replace an existing map, and what a run with other arguments left unfinished."""


def arguments(options: SharedMapOptions) -> dict[str, Any]:
    """``options`` as the functions that map take them."""
    given = asdict(options)
    del given["stac"]
    return given | {"masks": given.pop("mask") or ()}


def note_unlike_training(folder: str, scene: "Scene") -> None:
    """Say where the values of ``scene`` cannot be in the units that the run in ``folder`` was trained on."""
    from terramamba.mapping.value_range import value_range_warning
    from terramamba.runs.folder import load_run

    said = value_range_warning(load_run(folder), scene)
    if said is not None:
        print(f"note: {said}", file=sys.stderr)
