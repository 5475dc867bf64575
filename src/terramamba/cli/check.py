"""``terramamba check``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.parse import Usage, parse
from terramamba.errors import InputError

USAGE = Usage(
    "check",
    "Say what a scene is, or whether two scenes make a pair: size, bands, values, missing data, coordinates.",
    ("PATH", "[PATH2]"),
)


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Flags of the command."""

    variable: str | None = None
    """Name of the array in a .mat or .npz file; None: the only one that fits."""


def run(argv: Sequence[str]) -> int:
    """Print what the files are; two files that make no pair give status 1."""
    options, paths = parse(USAGE, CheckOptions, argv)
    from terramamba.cli.show import show_facts
    from terramamba.raster.describe import describe
    from terramamba.raster.pair import check_pair
    from terramamba.raster.scene import open_scene

    scenes = [open_scene(path, variable=options.variable) for path in paths]
    for scene in scenes:
        show_facts(describe(scene))
        print()
    if len(scenes) == 2:
        report = check_pair(*scenes)
        print(report.verdict)
        if not report.ok:
            raise InputError(f"not a pair: {report.problems[0]}")
    return 0
