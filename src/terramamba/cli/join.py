"""``terramamba join``."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "join",
    "Write the map whose part files were made with --shard, from all of them. Give it in the folder where "
    "the shards ran.",
    ("MAP.tif",),
    example="cover.tif",
)


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """Flags of the command."""

    probabilities: str | None = None
    """As the shards were given it; needed where it does not lie below the folder of the map. So are the
    files below."""
    certainty: str | None = None
    """Certainty, as the shards were given it."""
    fractions: str | None = None
    """Fractions of materials, as the shards were given them."""
    polygons: list[str] = field(default_factory=list)
    """Polygons, as the shards were given them."""
    areas: str | None = None
    """Table of areas, as the shards were given it."""
    item: str | None = None
    """STAC item, as the shards were given it."""
    overwrite: bool = False
    """Replace an existing map."""


def run(argv: Sequence[str]) -> int:
    """Write the map, and print what it shows."""
    options, (path,) = parse(USAGE, JoinOptions, argv)
    from terramamba.api import join_map
    from terramamba.cli.shared.scores import show_map

    show_map(join_map(path, **vars(options)))
    return 0
