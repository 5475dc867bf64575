"""Flags that both ``map`` commands have."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from terramamba.data.settings import ImageArray

if TYPE_CHECKING:
    from terramamba.raster.scene import Scene
    from terramamba.runs.folder import Run


@dataclass(frozen=True, kw_only=True)
class MapFiles(ImageArray):
    """What is mapped, and to where."""

    heading: ClassVar[str] = "files and results"

    out: str
    """Map to write, a .tif."""
    stac: list[str] | None = None
    """STAC items (.json files or addresses) to map in place of files."""


def arguments(options: MapFiles) -> dict[str, Any]:
    """Return ``options`` as the functions that map take them."""
    given = asdict(options)
    del given["stac"]
    return given | {"mask": given["mask"] or ()}


def open_all(
    task: str, run: "str | Run", places: Sequence[Any], given: dict[str, Any]
) -> tuple["str | Run", list["Scene"]]:
    """Open a run for ``task`` and what it is to map, and say what was decided of bare arrays and of bands.

    Takes the flags that are about opening out of ``given``. Where other processes map, the run stays a
    folder, which each of them opens.

    Raises:
        InputError: the run is for another task, or it and the scenes do not fit each other.
    """
    from terramamba.mapping.fit_to_run import open_for, open_run

    how = {"variable": given.pop("scene_variable"), "axes": given.pop("axes"), "bands": given.pop("bands")}
    loaded = open_run(run, task)
    scenes = [open_for(loaded, place, **how) for place in places]
    say_what_was_opened(scenes)
    by_others = given["workers"] > 1 or given["dask"] is not None
    return run if by_others else loaded, scenes


def say_what_was_opened(scenes: Sequence["Scene"]) -> None:
    """Say what was decided of bare arrays and of bands."""
    from terramamba.raster.band_matching import band_notes

    for note in dict.fromkeys(note for scene in scenes if scene.axes for note in scene.notes):
        print(f"note: {note}", file=sys.stderr)
    for scene in scenes:
        for note in () if scene.axes else band_notes(scene):
            print(f"note: {scene.path}: {note}", file=sys.stderr)
