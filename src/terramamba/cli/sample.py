"""``terramamba sample``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.options import Options, at_least

USAGE = Usage(
    "sample",
    "Draw reference points from a map, so many of each class, to say with `classify assess` or `change "
    "assess` how right the map is and how much of each class there really is.",
    ("MAP",),
    example="cover.tif --out points.gpkg --per-class 50",
)


@dataclass(frozen=True, kw_only=True)
class SampleOptions(Options):
    """Flags of the command."""

    out: str
    """Points to write, a .gpkg or .geojson; their attribute `reference` is for what is really there."""
    per_class: Annotated[int, at_least(2)] = 50
    """Points of each class; 50 or more for each is good practice."""
    seed: Annotated[int, at_least(0)] = 0
    """Seed of the draw."""
    overwrite: bool = False
    """Replace earlier points."""


def run(argv: Sequence[str]) -> int:
    """Draw, and print how many points of each class."""
    options, (place,) = parse(USAGE, SampleOptions, argv)
    from terramamba.api.assessing import sample_points
    from terramamba.cli.shared.show import show

    show(sample_points(place, **vars(options)).shown)
    return 0
