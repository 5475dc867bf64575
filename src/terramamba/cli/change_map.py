"""``terramamba change map``."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from terramamba.cli.files import run_and_scenes
from terramamba.cli.map_options import SharedMapOptions, arguments, note_unlike_training
from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "change map",
    "Map what changed between two images with a trained run; the map is a GeoTIFF on the images' grid "
    "(1 changed, 0 not, 255 no data). A command that was ended goes on when it is given again.",
    ("RUN", "[BEFORE]", "[AFTER]"),
)


@dataclass(frozen=True, kw_only=True)
class MapOptions(SharedMapOptions):
    """Flags of the command."""

    scene_variable: str | None = None
    """Name of the array or image in files that hold several, the same in both; None: the largest or only one
    that fits."""
    probabilities: str | None = None
    """Also write the probability of change to this .tif."""
    polygons: str | None = None
    """Also write the outlines of what changed, with area and probability, to this .gpkg or .geojson."""
    align: Literal["bilinear", "cubic"] | None = None
    """Warp AFTER onto the grid of BEFORE, interpolated so; None: both must lie on one grid."""
    threshold: float | None = None
    """Probability above which a pixel counts as changed; None: the run's, chosen on validation."""
    min_area: float = 0.0
    """Leave out polygons smaller than this many square metres (pixels, where there is no georeference)."""
    simplify: float = 0.0
    """How much of the steps of polygons is smoothed away, in pixels (1 is a good start); neighbours still fit
    together, and areas stay those of the pixels."""
    tile_size: int = 512
    """Side of the tiles that are mapped one by one, in pixels; less needs less memory."""
    overlap: int = 64
    """Pixels that neighbouring tiles share; there their results are blended."""
    batch_size: int = 1
    """Tiles mapped at once."""
    precision: Literal["32", "bf16"] = "32"
    """Arithmetic of the matrix products; the scan itself is always float32."""


def run(argv: Sequence[str]) -> int:
    """Map, and print how much changed."""
    options, paths = parse(USAGE, MapOptions, argv)
    folder, places = run_and_scenes(paths, options.stac, ["BEFORE", "AFTER"])
    import rasterio

    from terramamba.api import map_change
    from terramamba.cli.scores import show_map
    from terramamba.raster.checks.pair import check_pair
    from terramamba.raster.readers.gdal import GDAL_CACHE_BYTES
    from terramamba.raster.readers.open import open_scene

    given = arguments(options)
    variable = given.pop("scene_variable")
    before, after = (open_scene(place, variable=variable) for place in places)
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        report = check_pair(before, after, align=options.align, masks=given["masks"])
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    note_unlike_training(folder, before)
    show_map(map_change(folder, before, after, **given))
    return 0
