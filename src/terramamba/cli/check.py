"""``terramamba check``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.parse import Usage, parse
from terramamba.core.errors import InputError
from terramamba.data.settings import Alignment, ImageArray, Masks

USAGE = Usage(
    "check",
    "Say what a scene or a vector file is, or whether two scenes make a pair: size, bands, values, missing "
    "data, coordinates; shapes and attributes; which classes a file of labels is taken for.",
    ("PATH", "[PATH2]"),
)


@dataclass(frozen=True, kw_only=True)
class CheckOptions(Masks, Alignment, ImageArray):
    """Flags of the command."""


def run(argv: Sequence[str]) -> int:
    """Print what the files are; two files that make no pair give status 1."""
    options, paths = parse(USAGE, CheckOptions, argv)
    from terramamba.cli.show import show, show_facts
    from terramamba.core.words import percent
    from terramamba.data.labels.described import describe_label_image, describe_label_shapes
    from terramamba.raster.checks.describe import describe
    from terramamba.raster.checks.describe_vector import describe_features
    from terramamba.raster.checks.pair import check_pair
    from terramamba.raster.vector.features import is_vector_file
    from terramamba.raster.views.chosen_bands import OpenAsked, open_alike
    from terramamba.raster.views.in_colours import in_colours
    from terramamba.raster.views.masked import MaskedSource, masked, masked_fraction
    from terramamba.raster.views.nodata import require_held, without_values

    for path in filter(is_vector_file, paths):
        show_facts(describe_features(path))
        print()
        if len(paths) == 1:
            show(describe_label_shapes(path))
    if options.align is not None and len(paths) < 2:
        raise InputError("--align: warps a second scene onto the first; name two scenes")
    images = [path for path in paths if not is_vector_file(path)]
    scenes = open_alike(images, options.bands, OpenAsked(options.scene_variable, axes=options.axes))
    require_held(scenes, options.nodata or ())
    scenes = [without_values(scene, options.nodata or ()) for scene in scenes]
    if len(scenes) == 1 and options.mask:
        scenes = [masked(scenes[0], options.mask)]
    for scene in scenes:
        facts = describe(scene)
        if isinstance(scene.source, MaskedSource):
            facts["masked"] = f"{percent(masked_fraction(scene))} of the pixels"
        show_facts(facts)
        print()
        if len(paths) == 1 and (labels := describe_label_image(scene)) is not None:
            show(labels)
    if len(scenes) == 2:
        report = check_pair(*map(in_colours, scenes), align=options.align, masks=options.mask or ())
        show_facts(report.facts)
        print()
        print(report.verdict)
        if not report.ok:
            raise InputError(f"not a pair: {report.problems[0]}")
    return 0
