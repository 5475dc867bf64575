"""``terramamba classify map``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.files import run_and_scenes
from terramamba.cli.shared.map_options import MapFiles, arguments, open_scenes
from terramamba.cli.shared.parse import Usage, parse
from terramamba.landcover.settings import ClassMapSettings

USAGE = Usage(
    "classify map",
    "Map the land cover of a scene with a trained run; the map is a GeoTIFF on the scene's grid with class "
    "names and colours. A command that was ended goes on when it is given again.",
    ("RUN", "[SCENE]"),
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(ClassMapSettings, MapFiles):
    """Flags of the command."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much there is of each class."""
    options, paths = parse(USAGE, MapOptions, argv)
    folder, (scene,) = run_and_scenes(paths, options.stac, ["SCENE"])
    from terramamba.api import map_classes
    from terramamba.cli.shared.scores import show_map

    given = arguments(options)
    (opened,) = open_scenes(folder, [scene], given)
    show_map(map_classes(folder, opened, **given))
    return 0
