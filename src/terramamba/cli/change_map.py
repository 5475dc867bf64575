"""``terramamba change map``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from terramamba.cli.files import split_run
from terramamba.cli.map_options import SharedMapOptions
from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "change map",
    "Map what changed between two images with a trained run; the map is a GeoTIFF on the images' grid "
    "(1 changed, 0 not, 255 no data). A command that was ended goes on when it is given again.",
    ("RUN", "BEFORE", "AFTER"),
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(SharedMapOptions):
    """Flags of the command."""

    probabilities: str | None = None
    """Also write the probability of change to this .tif."""
    polygons: str | None = None
    """Also write the outlines of what changed, with area and probability, to this .gpkg or .geojson."""
    threshold: float | None = None
    """Probability above which a pixel counts as changed; None: the run's, chosen on validation."""
    min_area: float = 0.0
    """Leave out polygons smaller than this many square metres (pixels, where there is no georeference)."""
    tile_size: int = 512
    """Side of the tiles that are mapped one by one, in pixels; less needs less memory."""
    overlap: int = 128
    """Pixels that neighbouring tiles share; there their results are blended."""
    batch_size: int = 1
    """Tiles mapped at once."""
    precision: Literal["32", "bf16"] = "32"
    """Arithmetic of the matrix products; the scan itself is always float32."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much changed."""
    options, paths = parse(USAGE, MapOptions, argv)
    folder, (before, after) = split_run(paths)
    from terramamba.cli.scores import show_map
    from terramamba.inference import map_change

    show_map(map_change(folder, before, after, **asdict(options)))
    return 0
