"""``terramamba classify map``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from terramamba.cli.files import run_and_scenes
from terramamba.cli.map_options import SharedMapOptions, arguments, note_unlike_training
from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "classify map",
    "Map the land cover of a scene with a trained run; the map is a GeoTIFF on the scene's grid with class "
    "names and colours. A command that was ended goes on when it is given again.",
    ("RUN", "[SCENE]"),
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(SharedMapOptions):
    """Flags of the command."""

    scene_variable: str | None = None
    """Name of the array or image in a file that holds several; None: the largest or only one that fits."""
    probabilities: str | None = None
    """Also write the probability of every class, a band each, to this .tif."""
    mode: Literal["exact", "fast", "auto"] = "exact"
    """exact: every pixel by its own patch; fast: by tiles that do not overlap, tens of times faster; auto: as
    fast as --tolerance allows."""
    tilings: int = 1
    """With --mode fast, shifted tilings that are averaged: 1, 2, 4 or 9; more are slower and closer to
    exact."""
    tolerance: float = 0.3
    """With --mode auto, percentage points of overall accuracy on the run's validation pixels that may be
    lost."""
    batch_size: int = 128
    """Pixels classified at once; less needs less memory."""
    strip_rows: int | None = None
    """Rows that are one part of the work; None: as many as take seconds to a minute."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much there is of each class."""
    options, paths = parse(USAGE, MapOptions, argv)
    folder, (scene,) = run_and_scenes(paths, options.stac, ["SCENE"])
    from terramamba.api import map_classes
    from terramamba.cli.scores import show_map
    from terramamba.raster.readers.open import open_scene

    given = arguments(options)
    opened = open_scene(scene, variable=given.pop("scene_variable"))
    note_unlike_training(folder, opened)
    show_map(map_classes(folder, opened, **given))
    return 0
