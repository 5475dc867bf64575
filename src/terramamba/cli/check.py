"""``terramamba check``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.parse import Usage, parse
from terramamba.errors import InputError

USAGE = Usage(
    "check",
    "Say what a scene or a vector file is, or whether two scenes make a pair: size, bands, values, missing "
    "data, coordinates; shapes and attributes.",
    ("PATH", "[PATH2]"),
)


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Flags of the command."""

    scene_variable: str | None = None
    """Name of the array or image in a file that holds several; None: the largest or only one that fits."""


def run(argv: Sequence[str]) -> int:
    """Print what the files are; two files that make no pair give status 1."""
    options, paths = parse(USAGE, CheckOptions, argv)
    from terramamba.cli.show import show_facts
    from terramamba.raster.describe import describe
    from terramamba.raster.describe_features import describe_features
    from terramamba.raster.features import is_vector_file
    from terramamba.raster.pair import check_pair
    from terramamba.raster.scene import open_scene

    for path in filter(is_vector_file, paths):
        show_facts(describe_features(path))
        print()
    scenes = [open_scene(path, variable=options.scene_variable) for path in paths if not is_vector_file(path)]
    for scene in scenes:
        show_facts(describe(scene))
        print()
    if len(scenes) == 2:
        report = check_pair(*scenes)
        print(report.verdict)
        if not report.ok:
            raise InputError(f"not a pair: {report.problems[0]}")
    return 0
