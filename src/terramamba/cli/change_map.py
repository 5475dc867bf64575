"""``terramamba change map``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.change.settings import ChangeMapSettings
from terramamba.cli.shared.files import run_and_scenes
from terramamba.cli.shared.map_options import MapFiles, arguments, open_scenes
from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "change map",
    "Map what changed between two images with a trained run; the map is a GeoTIFF on the images' grid "
    "(1 changed, 0 not, 255 no data). A command that was ended goes on when it is given again.",
    ("RUN", "[BEFORE]", "[AFTER]"),
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(ChangeMapSettings, MapFiles):
    """Flags of the command."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much changed."""
    options, paths = parse(USAGE, MapOptions, argv)
    folder, places = run_and_scenes(paths, options.stac, ["BEFORE", "AFTER"])
    from terramamba.api import map_change
    from terramamba.cli.shared.scores import show_map

    given = arguments(options)
    before, after = open_scenes(folder, places, given)
    show_map(map_change(folder, before, after, **given))
    return 0
