"""``terramamba join``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.parse import Usage, parse

USAGE = Usage(
    "join",
    "Write the map whose part files were made with --shard, from all of them. Give it in the folder where "
    "the shards ran.",
    ("MAP.tif",),
)


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """Flags of the command."""

    overwrite: bool = False
    """Replace an existing map."""


def run(argv: Sequence[str]) -> int:
    """Write the map, and print what it shows."""
    options, (path,) = parse(USAGE, JoinOptions, argv)
    from terramamba.api import join_map
    from terramamba.cli.scores import show_map

    show_map(join_map(path, overwrite=options.overwrite))
    return 0
